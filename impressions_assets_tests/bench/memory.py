"""How much memory a channel's tables take to make, from transcripts to documents.

A process of its own makes them, so that what others left in memory does not count.
"""

import logging
import subprocess
import sys
from pathlib import Path

from impressions_assets_tests.bench.channel import declare_channel, run_assets
from impressions_assets_tests.bench.meter import peak_mb

_TABLES = ("videos", "transcripts", "chapters", "articles", "qa_pairs", "documents")


def tables_memory(home: Path, num_videos: int, words_per_video: int) -> float:
    """Return the most MB that a process held which made the tables of a new channel."""
    declare_channel(home, num_videos, words_per_video)
    printed = subprocess.run(
        [sys.executable, "-m", __name__, str(home)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return float(printed.split()[-1])


def _main() -> None:
    logging.disable(logging.INFO)  # Dagster tells of every batch
    made = run_assets(Path(sys.argv[1]), _TABLES)
    print(max(peak_mb(), made.peak_mb))  # each asset's meter lets the high water start anew


if __name__ == "__main__":
    _main()
