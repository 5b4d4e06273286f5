"""How much memory a channel's tables take to make, from transcripts to documents.

A process of its own makes them, so that what others left in memory does not count.
`python -m impressions_assets_tests.bench.memory --videos 10000` for a channel of any size.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from impressions_assets_tests.bench.channel import declare_channel, run_assets
from impressions_assets_tests.bench.meter import Cost, peak_mb

_MODULE = "impressions_assets_tests.bench.memory"  # also where it is run by hand
_TABLES = ("videos", "transcripts", "chapters", "articles", "qa_pairs", "documents")


def tables_memory(home: Path, num_videos: int, words_per_video: int) -> dict[str, Cost]:
    """Return what each table of a new channel took to make, in a process alone; all by `all`."""
    declare_channel(home, num_videos, words_per_video)
    command = [sys.executable, "-m", _MODULE, "--home", str(home)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: Cost(*cost) for name, cost in json.loads(printed.splitlines()[-1]).items()}


def _made(home: Path) -> dict[str, Cost]:
    logging.disable(logging.INFO)  # Dagster tells of every batch
    made = run_assets(home, _TABLES)
    most = max(peak_mb(), made.peak_mb)  # each asset's meter lets the high water start anew
    return made.costs | {"all": Cost(made.cpu_seconds, made.wall_seconds, most)}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.memory")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--words", type=int, default=5000, help="words of each video")
    parser.add_argument("--home", type=Path, help="make the tables of this one, and print JSON")
    chosen = parser.parse_args()
    if chosen.home:
        print(json.dumps(_made(chosen.home)))
        return
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        for name, cost in tables_memory(Path(folder), chosen.videos, chosen.words).items():
            print(f"{name}: {cost.cpu_seconds:.0f} CPU-seconds, {cost.peak_mb:.0f} MB")


if __name__ == "__main__":
    _main()
