"""Shards under a training: what is written into one is told, what the store does is not."""

import os
import shutil
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from impressions_assets.errors import CorruptFile
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.gpt.unchanged import Unchanged
from impressions_assets_tests.gpt.conftest import Corpus
from impressions_assets_tests.gpt.driving import posix, started, trained, wait_for_line


@pytest.fixture
def run(corpus: Corpus, tmp_path: Path) -> TrainingRun:
    """A run on shards of its own, whose digests it knows."""
    shards = shutil.copytree(corpus.shards_dir, tmp_path / "shards")
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in shards.iterdir()}
    known = {"shards_dir": shards, "shards_digests": digests}
    return corpus.run(tmp_path / "out").model_copy(update=known)


def shard_of(run: TrainingRun) -> Path:
    return max(run.shards_dir.glob("train*.bin"), key=lambda path: path.stat().st_size)


def test_a_shard_that_is_written_to_stops_the_training_before_anything_is_saved(run):
    shard = shard_of(run)
    data = shard.read_bytes()
    seen = []

    def overwrite() -> None:
        seen.append((run.out_dir / "last" / "model.safetensors").read_bytes())
        shard.write_bytes(data[:-50] + bytes(50))

    with pytest.raises(CorruptFile, match=rf"{shard.name} was changed while the training read it"):
        trained(run, at=("step 14 loss", overwrite))
    assert (run.out_dir / "last" / "model.safetensors").read_bytes() == seen[0]
    assert Checkpoint.open(run.out_dir / "last").meta.step == 10


@pytest.mark.parametrize("known", [True, False])
def test_a_shard_that_is_only_touched_is_known_by_its_digest(run, known):
    """The store makes a file young again when a later version of the shards holds it too."""
    paths = sorted(run.shards_dir.iterdir())
    files = Unchanged(paths, run.shards_digests if known else {})
    os.utime(paths[0], (1, 1))
    if known:
        files.check()
    else:
        with pytest.raises(CorruptFile):
            files.check()


def test_shards_that_are_replaced_or_deleted_are_still_read_as_they_were(run, uninterrupted):
    def replace() -> None:
        (first, *others) = sorted(run.shards_dir.glob("*.bin"))
        other = run.shards_dir / "other"
        other.write_bytes(bytes(2000))
        other.replace(first)
        for path in others:
            path.unlink()

    assert trained(run, at=("step 14 loss", replace)).history == uninterrupted[1].history


@posix
@pytest.mark.slow
def test_a_shard_that_is_cut_short_leaves_what_was_saved(run, tmp_path):
    with started(run, tmp_path) as process:
        wait_for_line(process, "step     12  loss")
        os.truncate(shard_of(run), 1024)
        process.communicate(timeout=60)
    assert process.returncode in (1, -signal.SIGBUS)  # which, a race decides
    assert Checkpoint.open(run.out_dir / "last").meta.step % 10 == 0
