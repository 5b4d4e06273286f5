"""The process that fine-tunes: `python -m impressions_assets.chat.train chat.json`.

The same by hand and as a child of Dagster. torch is imported only once signals and the parent's
death are taken care of, for that import takes seconds. `processes` starts others beside it, for
other GPUs of this machine; `torchrun` and `accelerate launch` start all of them alike.
"""

import os
import sys
from pathlib import Path

from impressions_assets.chat.run import ChatResult, ChatRun
from impressions_assets.child import Place, child_session, end_with_parent, is_piped, run_main
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.stop import StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Fine-tune as chat.json says; the exit code is 0 also after a clean stop."""
    return run_main(_run, "python -m impressions_assets.chat.train chat.json", arguments)


def _run(file: Path, place: Place | None) -> None:
    run = ChatRun.load(file)
    is_child = place is None and (is_piped() or run.parent_pid == os.getppid())
    if is_child:
        end_with_parent()
    with (
        StopRequest(run.parent_pid if is_child else None) as stop,
        child_session(speaks=place is None or place.rank == 0) as child,
    ):
        child.log(f"fine-tuning in process {os.getpid()}")
        result = _finetune(run, file, place, child.log, stop)
        if result is None:
            return
        ended = f"stopped by {result.stopped}" if result.stopped else "done"
        child.log(f"{ended} after step {result.steps}, {result.seconds:,.0f} s")


def _finetune(
    run: ChatRun, file: Path, place: Place | None, log: Log, stop: StopRequest
) -> ChatResult | None:
    try:
        from impressions_assets.chat.finetune import finetune
        from impressions_assets.gpt.peers import checked_processes, peers
    except ImportError as error:
        raise ConfigError(
            f"fine-tuning needs torch, transformers, trl and peft, and one cannot be imported"
            f" ({error}): pip install 'impressions-assets[chat]'"
        ) from error
    variant = run.variant
    number = checked_processes(variant.processes, variant.device) if place is None else 1
    with peers(file, number, "impressions_assets.chat.train") as first:
        return finetune(run, log, stop, place or first)


if __name__ == "__main__":
    sys.exit(main())
