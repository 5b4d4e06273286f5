"""Child processes through Dagster Pipes: torch is imported there, never in the code location."""

import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterPipesExecutionError  # no public name for it

from impressions_assets.errors import RecognitionError, RecognizerDied, TrainingError

SAVING_SECONDS = 600.0  # a large checkpoint on a slow disk


class Children(dg.ConfigurableResource[None]):
    """Starts `python -m MODULE FILE`, shows its log as it comes, and ends it when the run ends."""

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run a child to its end; it gets an environment beside our own.

        Interrupting the run (UI, SIGTERM, Ctrl-C) sends the child SIGINT, waits until it saved,
        and then raises DagsterExecutionInterruptedError here.

        Raises:
            TrainingError: the child failed; the message is its own.
        """
        command = [sys.executable, "-m", module, str(file)]
        try:
            _run(context, command, file, environment or {})
        except DagsterPipesExecutionError as error:
            raise TrainingError(_told(file) or _killed(error, command)) from error

    def recognize(
        self,
        context: dg.OpExecutionContext,
        python: Path,
        file: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Run a recognizer to its end, in whisperx's environment.

        Raises:
            RecognizerDied: it ended without a word.
            RecognitionError: it cannot recognize; the message is its own.
        """
        command = [str(python), "-m", "impressions_assets.speech.recognizer", str(file)]
        try:
            _run(context, command, file, environment)
        except DagsterPipesExecutionError as error:
            if told := _told(file):
                raise RecognitionError(told) from error
            raise RecognizerDied(_unsaid(error, command)) from error


_SIGNALS = {
    "SIGBUS": "a file that it had mapped, such as a shard, was cut short by somebody, or its disk "
    "fails: delete that shard and materialize token_shards again",
    "SIGKILL": "by hand, or by the system because memory ran out: choose a smaller model, or give "
    "it more memory",
}


def _run(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    command: list[str],
    file: Path,
    environment: Mapping[str, str],
) -> None:
    _error_file(file).unlink(missing_ok=True)
    client = dg.PipesSubprocessClient(env=environment, termination_timeout_seconds=SAVING_SECONDS)
    client.run(context=context, command=command).get_results(implicit_materializations=False)


def _error_file(file: Path) -> Path:
    return file.with_suffix(".error")


def _told(file: Path) -> str:
    """What a child that failed left for us."""
    error_file = _error_file(file)
    return error_file.read_text(encoding="utf-8") if error_file.exists() else ""


def _killed(error: Exception, command: list[str]) -> str:
    """What ended a training without a word: a signal, where its exit code names one."""
    found = re.search(r"code -(\d+)", str(error))
    if not found:
        return _unsaid(error, command)
    name = signal.Signals(int(found[1])).name
    advice = _SIGNALS.get(name, "by the system, or by hand")
    return (
        f"{' '.join(command)} was ended by {name}: {advice}. What was saved before is intact; "
        "the same run goes on from there"
    )


def _unsaid(error: Exception, command: list[str]) -> str:
    return f"{error}: its output is in this step's stderr. By hand: {' '.join(command)}"
