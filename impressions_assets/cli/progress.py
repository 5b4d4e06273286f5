"""A run on the terminal: a line per asset, the training's log as it comes, and what went wrong."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from impressions_assets.cli.facts import said_of

if TYPE_CHECKING:
    import dagster as dg

TALKATIVE = ("checkpoint",)  # assets whose log is worth reading as it comes
_SHOWN_FAILURES = 5
_INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
_SPINNER = Spinner("dots")


@dataclass
class Line:
    """How one asset stands."""

    asset: str
    started: float | None = None
    ended: float | None = None
    failed: bool = False
    made: bool = False
    facts: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken so far."""
        return None if self.started is None else (self.ended or time()) - self.started

    def cells(self) -> tuple[RenderableType, str, str, str]:
        """What the line shows: sign, asset, facts, seconds."""
        seconds = "" if self.seconds is None else f"{self.seconds:.1f} s"
        return self._sign(), self.asset, escape(self.facts), seconds

    def _sign(self) -> RenderableType:
        if self.failed:
            return "[red]✗[/]"
        if self.ended:
            return "[green]✓[/]"
        return _SPINNER if self.started else " "


@dataclass
class RunView:
    """Listens to the events of a run, and shows them."""

    console: Console
    assets: Sequence[str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with all assets ahead."""
        self.lines = {asset: Line(asset) for asset in self.assets}
        self._live = Live(
            console=self.console,
            get_renderable=self._table,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Show the lines, where there is a terminal; elsewhere each is printed when it is done."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Leave the lines as they stand, and the warnings below them."""
        if self.console.is_terminal:
            self._live.stop()
        for warning in self.warnings:
            self.console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)

    def listen(self, entry: "dg.EventLogEntry") -> None:
        """Take in an event."""
        # A step is an asset, or one of several that make it: "transcripts.plan_speech".
        event, line = entry.dagster_event, self.lines.get((entry.step_key or "").split(".")[0])
        if event is None:
            self._logged(entry, line)
            return
        kind = event.event_type_value
        if kind == "STEP_START" and line:
            line.started = line.started or entry.timestamp
        elif kind == "ASSET_MATERIALIZATION" and line:
            made = event.step_materialization_data.materialization
            line.made = True
            line.facts = said_of(line.asset, {k: v.value for k, v in made.metadata.items()})
        elif kind == "ASSET_CHECK_EVALUATION":
            self._checked(event.asset_check_evaluation_data)
        elif line and (kind == "STEP_FAILURE" or (kind == "STEP_SUCCESS" and line.made)):
            self._ended(line, entry.timestamp, event)
        elif kind == "PIPELINE_FAILURE" and not self.problems:
            self.problems.append(_reason_of_run(event))
        elif kind == "ENGINE_EVENT" and line and "blocked" in (event.message or ""):
            line.facts = "waiting: another run uses the same pool"

    def _logged(self, entry: "dg.EventLogEntry", line: Line | None) -> None:
        said = entry.user_message.rstrip()
        if line is None or int(entry.level) > logging.INFO or said.startswith("[pipes]"):
            return  # Dagster's own words
        line.facts = said.strip().split("\n")[0]
        if line.asset in TALKATIVE:
            self.console.print(f"  [dim]{escape(said)}[/]", soft_wrap=True)

    def _ended(self, line: Line, when: float, event: "dg.DagsterEvent") -> None:
        line.started, line.ended = line.started or when, when
        if event.is_step_failure:
            line.failed, line.facts = True, "failed"
            reason = _reason_of_step(event)
            if reason is None:
                line.facts = "stopped"
            else:
                self.problems.append(f"{line.asset}: {reason}")
        if not self.console.is_terminal:
            self.console.print(*line.cells(), soft_wrap=True)

    def _checked(self, found: Any) -> None:
        if found.passed:
            return
        facts = {key: value.value for key, value in found.metadata.items()}
        self.warnings.extend(_said_of_check(found.asset_key.path[-1], found.check_name, facts))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for shrinks in (False, False, True, False):  # a long text leaves the other cells whole
            table.add_column(no_wrap=not shrinks)
        for line in self.lines.values():
            sign, asset, _, seconds = line.cells()
            facts = Text(line.facts, no_wrap=True, overflow="ellipsis")
            table.add_row(sign, asset, facts, seconds)
        return table


def _said_of_check(asset: str, check: str, facts: Mapping[str, Any]) -> list[str]:
    if check != "no_video_failed":
        details = ", ".join(f"{key}: {value}" for key, value in facts.items())
        return [f"{asset}: the check {check} did not pass" + (f" ({details})" if details else "")]
    records = [record.data for record in facts["videos"].records]
    shown = [
        f"    {record['video']}: {record['error']} (next try: {record['next try']})"
        for record in records[:_SHOWN_FAILURES]
    ]
    number = facts["failed"]
    head = f"{asset}: {number} failed, the others went on"
    more = [f"    … and {number - len(shown)} more"] if number > len(shown) else []
    return ["\n".join([head, *shown, *more])]


def _reason_of_step(event: "dg.DagsterEvent") -> str | None:
    """Say why a step failed: our own words, or the error under Dagster's; None: it was stopped."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    if error and error.cls_name in _INTERRUPTIONS:
        return None
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "failed"


def _reason_of_run(event: "dg.DagsterEvent") -> str:
    """Say why a run failed outside of its steps, or was ended from elsewhere."""
    data: Any = event.event_specific_data  # None when another process reported it
    error = data.error if data else None
    while error and error.cause:
        error = error.cause
    return (error.message if error else event.message or "the run failed").strip()
