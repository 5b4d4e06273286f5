"""Whether a new version takes the place of the promoted one: both are judged by one text.

New videos change the validation text, and what a version scored on another one tells nothing. So a
training says by what it was judged, and a promoted version that was judged by something else is
scored anew before they are compared.

Does not belong here: how a model is scored (gpt/assess.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impressions_assets.gpt.assess import Request
from impressions_assets.gpt.manifest import read_manifest
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact

Scores = Mapping[int, float | None]  # bits per byte of versions


def judged_by(run: TrainingRun) -> str:
    """Return what tells one validation from another: its tokens, and how many of them are read."""
    shards = read_manifest(run.shards_dir).shards
    val = [run.shards_digests[shard.file] for shard in shards if shard.split == "val"]
    return digest_of(val, run.train.batch_size, run.train.eval_iters)


def must_be_scored(current: Artifact, result: TrainingResult, facts: Mapping[str, Any]) -> bool:
    """Say whether the promoted version has no figure yet to compare a training's result with."""
    is_start = current.version == facts["started_from_version"]  # evaluated before the first step
    is_judged = current.fact("judged_by") == facts["judged_by"]
    return result.val_bits_per_byte is not None and not is_start and not is_judged


def request_score(home: Home, current: Artifact, run: TrainingRun, folder: Path) -> Request:
    """Ask for the score of a version on the validation text of a training, read as it read it."""
    return Request(
        checkpoint_dir=str(home.store.fetch(current.files, folder / "checkpoint")),
        shards_dir=str(run.shards_dir),
        tokenizer_dir=str(run.tokenizer_dir),
        batch_size=run.train.batch_size,
        max_batches=run.train.eval_iters,
        device=run.train.device,
        out=str(folder / "found.json"),
    )


def is_no_worse(
    result: TrainingResult, current: Artifact | None, facts: Mapping[str, Any], scores: Scores
) -> bool:
    """Say whether a training's result is promoted in the place of the current version."""
    if current is None:
        return True
    bits, theirs = result.val_bits_per_byte, current.fact("val_bits_per_byte")
    if bits is None:
        is_whole = not was_cut_short(result.stopped)
        # Where nothing is measured, nothing else tells which is better.
        return theirs is None and (is_whole or result.steps >= (current.fact("steps") or 0))
    if current.version in scores:
        theirs = scores[current.version]
    elif current.version == facts["started_from_version"]:
        theirs = _of_start(result)
    elif must_be_scored(current, result, facts):
        return False
    return theirs is not None and bits <= theirs


def was_cut_short(stopped: str | None) -> bool:
    """Say whether a signal ended a training, where its own limits would have ended it later."""
    return stopped not in (None, "patience", "max_seconds")


def _of_start(result: TrainingResult) -> float | None:
    """Bits per byte of the version that a training started from, on the text of the training."""
    first = result.history[0] if result.history else None
    if not first or first.step or not (first.val_loss and result.best_val_loss):
        return None
    return (result.val_bits_per_byte or 0) * first.val_loss / result.best_val_loss or None
