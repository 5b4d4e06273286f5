"""What trainings left on this machine that nothing can use any more.

Does not belong here: what a version is, and what of it the storage root keeps (storage/).
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

from impressions_assets.assets.training import KIND
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.storage.home import Home


def left_trainings(home: Home, scratch: Path) -> Iterator[Path]:
    """Yield folders in which no training will go on, and curves of those that gave no version."""
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


def _can_go_on(home: Home, folder: Path) -> bool:
    """Whether a training runs there, or would find its shards again."""
    try:
        run = TrainingRun.load(folder / "run.json")
    except ConfigError:
        return False
    if run.parent_pid is not None and psutil.pid_exists(run.parent_pid):
        return True
    channel, _, _ = folder.name.rpartition("-")
    shards = home.current(channel, "token_shards")
    return shards is not None and run.shards_digests == {f.name: f.digest for f in shards.files}
