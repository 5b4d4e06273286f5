"""Child processes through Dagster Pipes: torch is imported there, never in the code location."""

import re
import signal
import sys
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterPipesExecutionError  # no public name for it

from impressions_assets.errors import TrainingError

SAVING_SECONDS = 600.0  # a large checkpoint on a slow disk


class Children(dg.ConfigurableResource[None]):
    """Starts `python -m MODULE FILE`, shows its log as it comes, and ends it when the run ends."""

    def run(self, context: dg.AssetExecutionContext, module: str, file: Path) -> None:
        """Run a child to its end.

        Interrupting the run (UI, SIGTERM, Ctrl-C) sends the child SIGINT, waits until it saved,
        and then raises DagsterExecutionInterruptedError here.

        Raises:
            TrainingError: the child failed; the message is its own.
        """
        error_file = file.with_suffix(".error")
        error_file.unlink(missing_ok=True)
        client = dg.PipesSubprocessClient(termination_timeout_seconds=SAVING_SECONDS)
        command = [sys.executable, "-m", module, str(file)]
        try:
            client.run(context=context, command=command).get_results(
                implicit_materializations=False
            )
        except DagsterPipesExecutionError as error:
            raise TrainingError(_reason(error_file, error, command)) from error


_SIGNALS = {
    "SIGBUS": "a file that it had mapped, such as a shard, was cut short by somebody, or its disk "
    "fails: delete that shard and materialize token_shards again",
    "SIGKILL": "by hand, or by the system because memory ran out: choose a smaller model, or give "
    "it more memory",
}


def _reason(error_file: Path, error: Exception, command: list[str]) -> str:
    if error_file.exists():
        return error_file.read_text(encoding="utf-8")
    killed = re.search(r"code -(\d+)", str(error))
    if killed:
        name = signal.Signals(int(killed[1])).name
        advice = _SIGNALS.get(name, "by the system, or by hand")
        return (
            f"{' '.join(command)} was ended by {name}: {advice}. What was saved before is intact; "
            "the same run goes on from there"
        )
    return f"{error}: its output is in this step's stderr. By hand: {' '.join(command)}"
