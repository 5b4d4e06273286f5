"""Runs, started and followed from a terminal: in the instance's queue when a daemon is alive,
else in this process.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from impressions_assets.cli.place import Place
from impressions_assets.cli.progress import RunView
from impressions_assets.cli.terminal import INTERRUPTED, complain, messages, note
from impressions_assets.errors import ConfigError

if TYPE_CHECKING:
    import dagster as dg

    from impressions_assets.runs import Launch

_KEPT_LOGS = 50


def data_launch(channel: str, assets: Sequence[str] = (), *, sweep: bool = False) -> "Launch":
    """Bring a channel's dataset up to date: all of it, or some assets."""
    from impressions_assets.jobs import DATA_ASSETS, lane, sweep_config
    from impressions_assets.runs import Launch

    chosen = tuple(assets or DATA_ASSETS)
    config = sweep_config() if sweep and "videos" in chosen else {}
    return Launch("channel_data", channel, chosen, lane(channel, "data"), config)


def model_launch(
    channel: str, assets: Sequence[str] = (), settings: Mapping[str, Any] | None = None
) -> "Launch":
    """Train, evaluate and sample, or some of it; the settings are the training's."""
    from impressions_assets.jobs import MODEL_ASSETS, lane
    from impressions_assets.runs import Launch

    chosen = tuple(assets or MODEL_ASSETS)
    config = {"ops": {"checkpoint": {"config": dict(settings)}}} if settings else {}
    return Launch("channel_model", channel, chosen, lane(channel, "model"), config)


def chat_launch(channel: str, settings: Mapping[str, Any] | None = None) -> "Launch":
    """Tune a chat model; the settings say which variant, and what is different this time."""
    from impressions_assets.jobs import CHAT_ASSETS, lane
    from impressions_assets.runs import Launch

    config = {"ops": {"chat_model": {"config": dict(settings)}}} if settings else {}
    return Launch("channel_chat", channel, CHAT_ASSETS, lane(channel, "model"), config)


def launches_of(
    channel: str, select: str | None, *, sweep: bool = False, variant: str | None = None
) -> list["Launch"]:
    """Return the runs for a selection such as `chapters,documents`: data first, then the models.

    A chat model is tuned only when it is selected; `variant` says which, else the first.
    """
    from impressions_assets.jobs import CHAT_ASSETS, DATA_ASSETS, MODEL_ASSETS

    if select is None:
        return [data_launch(channel, sweep=sweep), model_launch(channel)]
    wanted = [name.strip() for name in select.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in (*DATA_ASSETS, *MODEL_ASSETS, *CHAT_ASSETS)]
    if unknown or not wanted:
        raise ConfigError(
            f"there is no asset {', '.join(unknown) or 'selected'};"
            f" select of: {', '.join((*DATA_ASSETS, *MODEL_ASSETS, *CHAT_ASSETS))}"
        )
    data = [name for name in DATA_ASSETS if name in wanted]
    model = [name for name in MODEL_ASSETS if name in wanted]
    launches = [data_launch(channel, data, sweep=sweep)] if data else []
    launches += [model_launch(channel, model)] if model else []
    chat = chat_launch(channel, {"variant": variant} if variant else None)
    return [*launches, chat] if CHAT_ASSETS[0] in wanted else launches


def perform(place: Place, launches: Sequence["Launch"], *, verbose: bool = False) -> None:
    """Run one after the other, showing progress; end the command when one of them fails."""
    from impressions_assets.partitions import add_channel
    from impressions_assets.runs import daemon_is_alive, fail_dead_runs

    nobody_starts_runs = not daemon_is_alive(place.instance)
    fail_dead_runs(place.instance, nobody_starts_runs=nobody_starts_runs)
    add_channel(place.instance, launches[0].channel)
    for launch in launches:
        if not _performed(place, launch, verbose):
            raise typer.Exit(1)


def _performed(place: Place, launch: "Launch", verbose: bool) -> bool:
    from impressions_assets.definitions import defs

    job = defs.resolve_job_def(launch.job)
    log = place.settings.home / "logs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{launch.job}.log"
    try:
        with _quiet(log, verbose) as console, RunView(console, launch.assets) as view:
            is_well = _run(place, job, launch, view)
    except KeyboardInterrupt as error:
        note("stopped. What was done is kept, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from error
    for problem in view.problems:
        complain(problem)
    if not is_well and log.exists():
        note(f"[dim]the whole log: {log}[/]")
    return is_well


def _run(place: Place, job: "dg.JobDefinition", launch: "Launch", view: RunView) -> bool:
    from impressions_assets.runs import daemon_is_alive, run_here

    if daemon_is_alive(place.instance):
        is_well = _queued(place, job, launch, view)
        if is_well is not None:
            return is_well
    return run_here(place.instance, job, launch, view.listen)


def _queued(place: Place, job: "dg.JobDefinition", launch: "Launch", view: RunView) -> bool | None:
    from impressions_assets.runs import follow, stop, submit

    instance = place.instance
    run_id = submit(instance, job, launch, *place.settings.container)
    view.console.print(f"[dim]run {run_id[:8]} is in the queue of Dagster's daemon[/]")
    try:
        return follow(instance, run_id, view.listen)
    except KeyboardInterrupt:
        view.console.print("stopping the run; it saves what it has")
        stop(instance, run_id)
        follow(instance, run_id, view.listen)
        raise


@contextmanager
def _quiet(log: Path, verbose: bool) -> Iterator[Console]:
    """Send all that Dagster and its children print to a file; yield where we still speak.

    The file descriptors are exchanged, not Python's streams: child processes print as well.
    """
    if verbose or not _is_real(sys.stderr, 2) or not _is_real(sys.stdout, 1):
        yield messages()
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    for old in sorted(log.parent.glob("*.log"))[:-_KEPT_LOGS]:
        old.unlink(missing_ok=True)
    saved = [os.dup(1), os.dup(2)]
    with log.open("ab") as file, open(os.dup(saved[1]), "w", encoding="utf-8") as ours:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield Console(file=ours, highlight=False)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


def _is_real(stream: Any, number: int) -> bool:
    try:
        stream.flush()
        return bool(stream.fileno() == number)
    except (OSError, ValueError, AttributeError):
        return False
