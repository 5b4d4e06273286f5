"""The training process: `python -m impressions_assets.gpt.train run.json`.

The same by hand, as a child of Dagster and under torchrun. torch is imported only once signals and
the parent's death are taken care of, for that import takes seconds.
"""

import os
import sys
from pathlib import Path

import msgspec

from impressions_assets.child import (
    Child,
    Place,
    child_session,
    end_with_parent,
    fail,
    is_piped,
)
from impressions_assets.errors import ImpressionsError, RankLost
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.stop import StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Train as run.json says; the exit code is 0 also after a clean stop."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) not in (1, 5):  # 5: started by the first of several processes, see peers.py
        print("usage: python -m impressions_assets.gpt.train run.json", file=sys.stderr)
        return 2
    file, place = Path(given[0]), Place.told(given[1:])
    if place is None or place.rank == 0:
        file.with_suffix(".error").unlink(missing_ok=True)
    try:
        _run(file, place)
    except RankLost as error:
        if file.with_suffix(".error").exists():  # the one that is gone said why
            return 1
        return fail(file, error)
    except ImpressionsError as error:
        return fail(file, error)
    return 0


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
        result = _train(run, file, place, child, stop)
        child.report({"result": msgspec.to_builtins(result)})


def _train(
    run: TrainingRun, file: Path, place: Place | None, child: Child, stop: StopRequest
) -> TrainingResult:
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
    return result


if __name__ == "__main__":
    sys.exit(main())
