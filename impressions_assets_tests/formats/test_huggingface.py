"""A model as a folder for the hub: its files, its card, and what an export again leaves."""

import json
from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.export import export
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.tokenizer import TrainedKind, train_tokenizer
from impressions_assets.reader import ChannelReader
from impressions_assets_tests.gpt.test_transformers_folder import SHAPE, TEXT, checkpoint_of


def publish(talks: ChannelReader, folder: Path, recipe: str = "modern", kind: TrainedKind = "bpe"):
    """A version of a model that learned from the video `a`, and from one that was forgotten."""
    shape = ModelConfig(**(SHAPE | {"recipe": recipe}))
    checkpoint = checkpoint_of(folder / "checkpoint", shape, train_tokenizer([TEXT], kind, 300))
    (checkpoint / "learned.json").write_text(json.dumps(["a", "forgotten"]))
    files = {p.relative_to(checkpoint).as_posix(): p for p in checkpoint.rglob("*") if p.is_file()}
    facts = {
        "val_bits_per_byte": 1.98761,
        "best_val_loss": 3.25,
        "steps": 500,
        "num_parameters": 41_000,
        "started_from_version": None,
    }
    made = talks.home.publish(talks.name, "checkpoint", files, made_from="m", facts=facts)
    found = {"checkpoint_version": made.version, "longest_copied_tokens": 17}
    talks.home.publish(talks.name, "evaluation", {}, made_from=str(made.version), facts=found)
    return made


def test_a_model_goes_out_with_a_card_that_says_what_it_is(
    talks: ChannelReader, tmp_path: Path
) -> None:
    made = publish(talks, tmp_path)
    files = export(talks, "huggingface", tmp_path / "out")
    assert {file.name for file in files} == {
        "README.md", "config.json", "configuration_impressions.py", "generation_config.json",
        "model.safetensors", "modeling_impressions.py", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        file.name for file in files
    )
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    meta = json.loads((tmp_path / "checkpoint" / "meta.json").read_bytes())
    weights = next(file.digest for file in made.files if file.name == "model.safetensors")
    for said in (
        "library_name: transformers", "trust_remote_code=True", "No permission is stated",
        "| bits per byte of validation text | 1.9876 |", "| steps | 500 |", "tokens | 17 |",
        meta["tokenizer"], meta["manifest"], weights, "| started from | scratch |",
        "2 videos, 1 of which are not there any more.", "| a | Größe, «1» |",
    ):  # fmt: skip
        assert said in card, said


def test_an_export_again_gives_the_same_bytes_and_another_version_others(
    talks: ChannelReader, tmp_path: Path
) -> None:
    publish(talks, tmp_path / "first")
    publish(talks, tmp_path / "second", recipe="classic")

    def exported(version: int | None) -> dict[str, bytes]:
        files = export(talks, "huggingface", tmp_path / "out", version)
        return {file.name: file.read_bytes() for file in files}

    assert exported(1) == exported(1)
    assert exported(None) == exported(2) != exported(1)
    assert b"GPT2LMHeadModel" in exported(2)["config.json"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(exported(2))


def test_an_export_that_fails_leaves_what_was_there(
    talks: ChannelReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(talks, tmp_path)
    export(talks, "huggingface", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(Path, "replace", _full_disk)
    with pytest.raises(Exception, match="exporting 'talks' to .* failed: the disk is full"):
        export(talks, "huggingface", tmp_path / "out")
    after = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert after.items() <= before.items()
    assert "config.json" not in after or after == before


def _full_disk(self: Path, target: Path) -> Path:
    raise OSError("the disk is full")


def test_a_version_of_what_is_no_model_and_a_model_that_is_not_there_are_told(
    talks: ChannelReader, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="format 'csv' is of no model"):
        export(talks, "csv", tmp_path / "out", 1)
    with pytest.raises(NothingToDo, match="no current version of 'checkpoint' yet"):
        export(talks, "huggingface", tmp_path / "out")
