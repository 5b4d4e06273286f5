"""The training process: `python -m impressions_assets.gpt.train run.json`.

The same by hand, as a child of Dagster and under torchrun. torch is imported only once signals and
the parent's death are taken care of, for that import takes seconds.
"""

import os
import sys
from pathlib import Path

from impressions_assets.child import (
    Child,
    Place,
    child_session,
    end_with_parent,
    is_piped,
    run_main,
)
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.gpt.stop import StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Train as run.json says; the exit code is 0 also after a clean stop."""
    return run_main(_run, "python -m impressions_assets.gpt.train run.json", arguments)


def _run(file: Path, place: Place | None) -> None:
    run = TrainingRun.load(file)
    # Who runs the file of an earlier run by hand is not the parent that is named in it.
    is_child = place is None and (is_piped() or run.parent_pid == os.getppid())
    if is_child and run.parent_pid is not None:
        end_with_parent()
    speaks = place is None or place.rank == 0
    with (
        StopRequest(run.parent_pid if is_child else None) as stop,
        child_session(speaks=speaks) as child,
    ):
        _train(run, file, place, child, stop)


def _train(
    run: TrainingRun, file: Path, place: Place | None, child: Child, stop: StopRequest
) -> None:
    pid = os.getpid()
    child.log(f"training in process {pid}: kill -USR1 {pid} saves and stops")
    from impressions_assets.gpt.peers import num_processes, peers
    from impressions_assets.gpt.ranks import joined
    from impressions_assets.gpt.trainer import train

    with (
        peers(file, num_processes(run.train) if place is None else 1) as first,
        joined(place or first, run.train.device) as ranks,
    ):
        result = train(run, child.log, stop, ranks)
    ended = f"stopped by {result.stopped}" if result.stopped else "done"
    child.log(f"{ended} after step {result.steps}, at {result.tokens_per_second:,.0f} tokens/s")
    for sample in result.samples:
        child.log(f"{sample.prompt}{sample.text}")


if __name__ == "__main__":
    sys.exit(main())
