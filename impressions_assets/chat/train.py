"""The process that fine-tunes: `python -m impressions_assets.chat.train chat.json`.

The same by hand and as a child of Dagster. torch is imported only once signals and the parent's
death are taken care of, for that import takes seconds. Several GPUs share one training under
`accelerate launch -m impressions_assets.chat.train chat.json` (docs/chat.md).
"""

import os
import sys
from pathlib import Path

import msgspec

from impressions_assets.chat.run import ChatResult, ChatRun
from impressions_assets.child import Place, child_session, end_with_parent, fail, is_piped
from impressions_assets.errors import ConfigError, ImpressionsError
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.stop import StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Fine-tune as chat.json says; the exit code is 0 also after a clean stop."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        print("usage: python -m impressions_assets.chat.train chat.json", file=sys.stderr)
        return 2
    file = Path(given[0])
    file.with_suffix(".error").unlink(missing_ok=True)
    try:
        _run(ChatRun.load(file))
    except ImpressionsError as error:
        return fail(file, error)
    return 0


def _run(run: ChatRun) -> None:
    is_child = is_piped() or run.parent_pid == os.getppid()
    if is_child:
        end_with_parent()
    place = Place.by_torchrun()
    with (
        StopRequest(run.parent_pid if is_child else None) as stop,
        child_session(speaks=place is None or place.rank == 0) as child,
    ):
        child.log(f"fine-tuning in process {os.getpid()}")
        result = _finetune(run, child.log, stop)
        if result is None:
            return
        ended = f"stopped by {result.stopped}" if result.stopped else "done"
        child.log(f"{ended} after step {result.steps}, {result.seconds:,.0f} s")
        child.report({"result": msgspec.to_builtins(result)})


def _finetune(run: ChatRun, log: Log, stop: StopRequest) -> ChatResult | None:
    try:
        from impressions_assets.chat.finetune import finetune
    except ImportError as error:
        raise ConfigError(
            f"fine-tuning needs torch, transformers, trl and peft, and one cannot be imported"
            f" ({error}): pip install 'impressions-assets[chat]'"
        ) from error
    return finetune(run, log, stop)


if __name__ == "__main__":
    sys.exit(main())
