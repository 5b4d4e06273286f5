"""Checkpoints are whole or refused, and a write that fails leaves the one before."""

import resource
import sys

import msgspec
import pytest
import torch

from impressions_assets.errors import CheckpointError
from impressions_assets.gpt.checkpoint import Checkpoint, Meta, save_checkpoint
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.loader import Position

META = Meta(
    step=7,
    position=Position(1, 2),
    model=ModelConfig().model_dump(),
    train={},
    vocab_size=5,
    end_of_text=0,
    context=16,
    tokenizer="t",
    manifest="m",
)
FILES = ("model.safetensors", "optimizer.safetensors", "meta.json", "tokenizer/vocabulary.txt")


@pytest.fixture
def tokenizer_dir(tmp_path):
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "vocabulary.txt").write_text("a b c")
    return folder


@pytest.fixture
def saved(tmp_path, tokenizer_dir):
    save(tmp_path / "last", tokenizer_dir)
    return tmp_path / "last"


def save(folder, tokenizer_dir, *, step: int = 7, size: int = 3) -> None:
    model, optimizer = {"w": torch.arange(size) / 3}, {"w.step": torch.tensor(7.0)}
    save_checkpoint(
        folder, msgspec.structs.replace(META, step=step), model, optimizer, tokenizer_dir
    )


def test_what_was_saved_is_what_is_opened(saved):
    checkpoint = Checkpoint.open(saved)
    assert msgspec.structs.replace(checkpoint.meta, files={}) == META
    assert checkpoint.model_tensors()["w"].tolist() == (torch.arange(3) / 3).tolist()
    assert checkpoint.optimizer_tensors()["w.step"].item() == 7
    assert (checkpoint.tokenizer_dir / "vocabulary.txt").read_text() == "a b c"


def test_the_gradient_scaler_gets_back_what_it_gave(tmp_path, tokenizer_dir):
    """A growth interval of 2000.0 ended each resumed training in float16: torch wants an int."""
    given = torch.amp.GradScaler("cpu", init_scale=2.0**20).state_dict()
    save_checkpoint(
        tmp_path / "last", msgspec.structs.replace(META, scaler=given), {}, {}, tokenizer_dir
    )
    found = Checkpoint.open(tmp_path / "last").meta.scaler
    assert found == given
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in given.items()}


def test_the_same_content_gives_the_same_bytes(tmp_path, saved, tokenizer_dir):
    save(tmp_path / "again", tokenizer_dir)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_named(saved, name):
    path = saved / name
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CheckpointError, match=rf"{path}.*another checkpoint"):
        Checkpoint.open(saved)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(CheckpointError, match=rf"{saved / name}.*another checkpoint"):
        Checkpoint.open(saved)


def test_a_changed_byte_is_noticed(saved):
    data = bytearray((saved / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (saved / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not what was saved"):
        Checkpoint.open(saved)


def test_a_folder_without_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*nowhere; train one first"):
        Checkpoint.open(tmp_path / "nowhere")


def test_a_checkpoint_of_a_newer_program_is_refused(saved):
    text = (saved / "meta.json").read_text()
    (saved / "meta.json").write_text(text.replace('"version": 1', '"version": 9'))
    with pytest.raises(CheckpointError, match="format 9, and this program reads 1"):
        Checkpoint.open(saved)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file size limit to set")
def test_a_disk_without_room_leaves_the_earlier_checkpoint(tmp_path, saved, tokenizer_dir):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(CheckpointError, match=r"step 8 to .*last.*is intact; free some space"):
            save(saved, tokenizer_dir, step=8, size=100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Checkpoint.open(saved).meta.step == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "tokenizer"]
