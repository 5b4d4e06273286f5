"""The command `dev`: Dagster's UI and its daemon, in an instance that is in order."""

import os
import signal
import sys
from typing import Annotated

import typer

from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note
from impressions_assets.errors import ConfigError
from impressions_assets.settings import child_environment

_NO_ADVERTISEMENT = "ignore:Function `dev_command` is superseded"
# A backfill waits for a code server that is gone, where Dagster would end it and all its runs.
PATIENT = {"DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "1"}
_DAGSTER_DEV = (sys.executable, "-W", _NO_ADVERTISEMENT, "-m", "dagster", "dev")


def dev(
    port: Annotated[int, typer.Option("--port", "-p", help="Where the UI listens.")] = 3000,
    host: Annotated[str, typer.Option("--host", help="Whom it listens to.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI, with the daemon that runs sensors, schedules and the queue."""
    from impressions_assets.resources.cards import cards_of, set_slots
    from impressions_assets.resources.impressions import this_process
    from impressions_assets.runs import LOCATION, dev_mark, fail_dead_runs, is_gone

    place = open_place()
    place.channels()  # a malformed channels.yaml is told here, not in a sensor's log
    mark = dev_mark(place.settings.dagster_home)
    if mark.exists() and not is_gone(known := mark.read_text(encoding="utf-8")):
        host_of_it, process, _ = known.rsplit("/", 2)
        raise ConfigError(
            f"`impressions dev` is running already (process {process} on {host_of_it});"
            " a second daemon would start every run twice. Stop it, or set another IMPRESSIONS_HOME"
        )
    ended = fail_dead_runs(place.instance, nobody_starts_runs=True)
    if ended:
        note(f"{len(ended)} runs whose process was gone are reported as failed")
    set_slots(place.instance, cards_of(place.settings.visible_cards))
    mark.write_text(this_process(), encoding="utf-8")
    note(f"the UI comes up at http://{host}:{port}, in about 15 seconds; Ctrl-C ends it")
    # From a folder of its own: a file named queue.py in the current one breaks the webserver.
    os.chdir(place.settings.dagster_home)
    # A script's `&` lets it ignore SIGINT, and Dagster then ignores SIGTERM too: nothing ends it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The same process goes on as `dagster dev`: signals and the mark are then its own.
    command = [*_DAGSTER_DEV, "-m", LOCATION, "-h", host, "-p", str(port)]
    os.execve(sys.executable, command, child_environment(place.settings) | PATIENT)  # noqa: S606
