"""The training process: `python -m impressions_assets.gpt.train run.json`.

The same by hand and as a child of Dagster. torch is imported only once signals and the parent's
death are taken care of, for that import takes seconds.
"""

import os
import sys
from pathlib import Path

import msgspec

from impressions_assets.child import Child, child_session, fail, is_piped
from impressions_assets.errors import ImpressionsError
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.stop import StopRequest, end_with_parent


def main(arguments: list[str] | None = None) -> int:
    """Train as run.json says; the exit code is 0 also after a clean stop."""
    paths = sys.argv[1:] if arguments is None else arguments
    if len(paths) != 1:
        print("usage: python -m impressions_assets.gpt.train run.json", file=sys.stderr)
        return 2
    try:
        run = TrainingRun.load(Path(paths[0]))
        # Who runs the file of an earlier run by hand is not the parent that is named in it.
        is_child = run.parent_pid is not None and (is_piped() or run.parent_pid == os.getppid())
        if is_child:
            end_with_parent()
        with StopRequest(run.parent_pid if is_child else None) as stop, child_session() as child:
            result = _train(run, child, stop)
            child.report({"result": msgspec.to_builtins(result)})
    except ImpressionsError as error:
        return fail(Path(paths[0]), error)
    return 0


def _train(run: TrainingRun, child: Child, stop: StopRequest) -> TrainingResult:
    pid = os.getpid()
    child.log(f"training in process {pid}: kill -USR1 {pid} saves and stops")
    from impressions_assets.gpt.trainer import train

    result = train(run, child.log, stop)
    ended = f"stopped by {result.stopped}" if result.stopped else "done"
    child.log(f"{ended} after step {result.steps}, at {result.tokens_per_second:,.0f} tokens/s")
    for sample in result.samples:
        child.log(f"{sample.prompt}{sample.text}")
    return result


if __name__ == "__main__":
    sys.exit(main())
