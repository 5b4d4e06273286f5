"""What trainings left on this machine that nothing can use any more.

Does not belong here: what a version is, and what of it the storage root keeps (storage/).
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from impressions_assets.assets.training import KIND
from impressions_assets.chat.exchanges import load_exchanges
from impressions_assets.chat.run import RUN_FILE, ChatRun
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.storage.home import Home


def left_trainings(home: Home, scratch: Path) -> Iterator[Path]:
    """Yield folders in which no training or tuning will go on, and curves that gave no version."""
    going_on = set()
    for folder in (scratch / "training").glob("*"):
        if _can_go_on(home, folder):
            going_on.add(folder.name)
        else:
            yield folder
    for curves in (scratch / "tensorboard").glob("*/*"):
        channel, own = curves.parts[-2:]
        versions = home.artifacts(channel, KIND)
        gave_one = any(version.made_from.startswith(own) for version in versions)
        if not gave_one and f"{channel}-{own}" not in going_on:
            yield curves
    yield from left_tunings(home, scratch)


def left_tunings(home: Home, scratch: Path) -> Iterator[Path]:
    """Yield folders in which no tuning will go on.

    They hold answers and passages word for word: one is left as soon as one of these is forgotten.
    """
    for folder in (scratch / "tuning").glob("*"):
        if not _tuning_can_go_on(home, folder):
            yield folder


def _can_go_on(home: Home, folder: Path) -> bool:
    """Whether a training runs there, or would find its shards again."""
    try:
        run = TrainingRun.load(folder / "run.json")
    except ConfigError:
        return False
    if _lives(run.parent_pid):
        return True
    channel, _, _ = folder.name.rpartition("-")
    shards = home.current(channel, "token_shards")
    return shards is not None and run.shards_digests == {f.name: f.digest for f in shards.files}


def _tuning_can_go_on(home: Home, folder: Path) -> bool:
    """Whether a tuning runs there, or would find all that it learns again."""
    try:
        run = ChatRun.load(folder / RUN_FILE)
        learned = load_exchanges(folder / run.exchanges.name)
    except (ConfigError, OSError, msgspec.DecodeError):
        return False
    if _lives(run.parent_pid):
        return True
    channel, _, _ = folder.name.rpartition("-")
    there = {
        (row.video_id, pair.question, pair.answer)
        for row in home.table("qa_pairs").rows(channel)
        for pair in row.pairs
        if pair.review != "rejected"
    }
    texts = {}
    if any(one.passages or not one.question for one in learned):
        texts = dict(home.table("documents").columns(channel, "video_id", "text"))
    there |= {(video_id, "", text) for video_id, text in texts.items()}
    return all(
        (one.video_id, one.question, one.answer) in there
        and all(found.text in texts.get(found.video_id, "") for found in one.passages)
        for one in learned
    )


def _lives(pid: int | None) -> bool:
    return pid is not None and psutil.pid_exists(pid)
