"""Looking at a trained model: bits per byte on given shards, samples, and what is refused."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from impressions_assets.gpt.assess import Assessment, Request, main
from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.gpt.manifest import write_manifest
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards
from impressions_assets.gpt.shards import manifest_of, write_shard
from impressions_assets.gpt.tokenizer import Tokenizer, train_tokenizer
from impressions_assets.rows import Document
from impressions_assets_tests.archives import talk

TEXTS = {f"v{number}": " ".join(talk(str(number))) for number in range(4)}


def shards(folder: Path, tokenizer: Tokenizer, texts: dict[str, str], val: str) -> Path:
    documents = {
        i: Document(video_id=i, text=t, split="val" if i == val else "train")
        for i, t in texts.items()
    }
    refs = [DocumentRef(video_id=d.video_id, digest="d", split=d.split) for d in documents.values()]
    written = [
        write_shard(folder, plan, (documents[i] for i in plan.video_ids), tokenizer)
        for plan in plan_shards(refs, tokenizer.digest)
    ]
    write_manifest(folder, manifest_of(tokenizer, written))
    tokenizer.save(folder / "tokenizer")
    return folder


@dataclass
class Trained:
    """A debug model after a few steps, and what it was trained on."""

    folder: Path
    shards: Path
    tokenizer: Tokenizer
    result: TrainingResult


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from impressions_assets.gpt.stop import StopRequest
    from impressions_assets.gpt.trainer import train

    folder = tmp_path_factory.mktemp("trained")
    tokenizer = train_tokenizer(TEXTS.values(), vocab_size=300)
    tokenizer.save(folder / "tokenizer")
    run = TrainingRun(
        shards_dir=shards(folder / "shards", tokenizer, TEXTS, "v3"),
        tokenizer_dir=folder / "tokenizer",
        out_dir=folder / "out",
        model=ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=32),
        train=TrainConfig(max_iters=8, eval_interval=4, batch_size=4, device="cpu"),
        sample_tokens=0,
    )
    result = train(run, lambda line: None, StopRequest())
    return Trained(folder / "out" / "best", run.shards_dir, tokenizer, result)


def assess(trained: Trained, tmp_path: Path, **fields: object) -> tuple[int, Path]:
    if "shards_dir" in fields:
        fields["tokenizer_dir"] = str(Path(str(fields["shards_dir"])) / "tokenizer")
    request = Request(
        checkpoint_dir=str(trained.folder),
        out=str(tmp_path / "found.json"),
        num_tokens=5,
        device="cpu",
        **fields,  # type: ignore[arg-type]
    )
    request.save(tmp_path / "assess.json")
    return main([str(tmp_path / "assess.json")]), tmp_path / "found.json"


def test_it_measures_what_the_training_measured(trained: Trained, tmp_path: Path) -> None:
    code, found = assess(trained, tmp_path, shards_dir=str(trained.shards))
    measured = Assessment.load(found)
    assert code == 0
    assert measured.bits_per_byte == pytest.approx(trained.result.val_bits_per_byte, rel=0.01)
    assert measured.unigram_bits_per_byte == pytest.approx(trained.result.unigram_bits_per_byte)
    assert measured.samples == ()


def test_what_is_said_is_compared_with_the_training_text(trained: Trained, tmp_path: Path) -> None:
    _, found = assess(trained, tmp_path, shards_dir=str(trained.shards), prompts=("", ""))
    measured = Assessment.load(found)
    said = [trained.tokenizer.encode(sample.text) for sample in measured.samples]
    assert 0 <= (measured.longest_copied_tokens or 0) <= max(map(len, said))
    assert measured.repetition_rate is not None
    assert 0 < (measured.distinct_bigrams or 0) <= 1
    copied = shards(
        tmp_path / "copied",
        trained.tokenizer,
        {"v0": measured.samples[0].text, "v1": measured.samples[1].text, "v3": TEXTS["v3"]},
        "v3",
    )
    _, found = assess(trained, tmp_path, shards_dir=str(copied), prompts=("", ""))
    assert Assessment.load(found).longest_copied_tokens == max(map(len, said))


def test_harder_text_costs_more_bits(trained: Trained, tmp_path: Path) -> None:
    noise = {**TEXTS, "v3": "".join(chr(33 + n * 7919 % 90) for n in range(400))}
    folder = shards(tmp_path / "noise", trained.tokenizer, noise, "v3")
    _, found = assess(trained, tmp_path, shards_dir=str(folder))
    assert (Assessment.load(found).bits_per_byte or 0) > trained.result.val_bits_per_byte  # type: ignore[operator]


def test_each_prompt_is_answered_and_the_same_way_every_time(
    trained: Trained, tmp_path: Path
) -> None:
    _, found = assess(trained, tmp_path, prompts=("", "A model"))
    first = Assessment.load(found)
    assert [sample.prompt for sample in first.samples] == ["", "A model"]
    assert first.bits_per_byte is None
    _, found = assess(trained, tmp_path, prompts=("", "A model"))
    assert Assessment.load(found) == first


def test_shards_without_validation_text_give_no_figures(trained: Trained, tmp_path: Path) -> None:
    folder = shards(tmp_path / "train-only", trained.tokenizer, TEXTS, "none")
    code, found = assess(trained, tmp_path, shards_dir=str(folder))
    assert (code, Assessment.load(found)) == (0, Assessment())


def test_a_model_of_another_tokenizer_is_measured_on_the_same_words(
    trained: Trained, tmp_path: Path
) -> None:
    other = train_tokenizer(TEXTS.values(), "characters")
    folder = shards(tmp_path / "other", other, TEXTS, "v3")
    _, found = assess(trained, tmp_path, shards_dir=str(trained.shards))
    own = Assessment.load(found)
    _, found = assess(trained, tmp_path, shards_dir=str(folder), prompts=("", ""))
    measured = Assessment.load(found)
    assert measured.bits_per_byte == own.bits_per_byte
    assert measured.unigram_bits_per_byte != own.unigram_bits_per_byte
    said = [other.encode(sample.text) for sample in measured.samples]
    assert 0 < (measured.longest_copied_tokens or 0) <= max(map(len, said))


def test_other_models_are_measured_on_the_same_text(trained: Trained, tmp_path: Path) -> None:
    others = {4: str(trained.folder), 12: str(trained.folder.with_name("last"))}
    _, found = assess(trained, tmp_path, shards_dir=str(trained.shards), others=others)
    measured = Assessment.load(found)
    assert measured.others.keys() == others.keys()
    assert measured.others[4] == measured.bits_per_byte


def test_no_more_of_a_long_text_is_read_than_asked(trained: Trained, tmp_path: Path) -> None:
    _, found = assess(trained, tmp_path, shards_dir=str(trained.shards))
    whole = Assessment.load(found).bits_per_byte
    _, found = assess(
        trained, tmp_path, shards_dir=str(trained.shards), batch_size=1, max_batches=1
    )
    assert Assessment.load(found).bits_per_byte != whole


def test_a_checkpoint_cut_short_is_refused_in_words(trained: Trained, tmp_path: Path) -> None:
    cut = Trained(tmp_path / "cut", trained.shards, trained.tokenizer, trained.result)
    cut.folder.mkdir()
    for path in trained.folder.iterdir():
        if path.is_file():
            (cut.folder / path.name).write_bytes(path.read_bytes())
    weights = cut.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, _ = assess(cut, tmp_path, prompts=("",))
    assert code == 1
    assert "model.safetensors" in (tmp_path / "assess.error").read_text()
