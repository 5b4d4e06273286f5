"""The command `forget`: one video, out of everything, for good."""

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.terminal import note, number, output, table_of

if TYPE_CHECKING:
    from impressions_assets.storage.forgetting import Learned, Trace


def forget(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="Its id, or a link to it.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this, only what would go is shown.")
    ] = False,
) -> None:
    """Forget a video: its rows, raw captures and shards go, and no source brings it back."""
    from impressions_assets.cli.lookup import channels_with, video_id_of
    from impressions_assets.storage.forgetting import is_buried, models_that_learned, traces_of

    place = open_place()
    video_id = video_id_of(video)
    traces, is_forgotten = traces_of(place.home, video_id), is_buried(place.home, video_id)
    if not traces and not is_forgotten:
        channels_with(place, video)  # says what is near
    _show(traces, models_that_learned(place.home, video_id))
    if not yes and not traces:
        note(f"{video_id} is forgotten already, and in no table")
        return
    if not yes:
        note(f"nothing was removed; to forget it: impressions forget {video_id} --yes")
        return
    _forget(place, video_id, {trace.channel for trace in traces})
    note(f"{video_id} is forgotten: no source brings it back. Captions on your disk stay yours")


def _forget(place: Place, video_id: str, channels: set[str]) -> None:
    """Forget a video that stands in some channels."""
    from impressions_assets.answering.scope import forget_scopes
    from impressions_assets.answering.search import forget_indexes
    from impressions_assets.assets.left_trainings import left_tunings
    from impressions_assets.chat.run import RUN_FILE
    from impressions_assets.cli.running import data_launch, perform
    from impressions_assets.sources.remembered import Remembered
    from impressions_assets.storage.forgetting import (
        bury,
        channels_with_shards_of,
        remove_files,
        remove_rows,
    )

    home = place.home
    bury(home, video_id)
    Remembered(place.settings.scratch).forget_all()
    # Before the rows, too: if this is cut short after them, nobody knows which channels had any.
    forget_indexes(place.settings.scratch, channels)
    remove_rows(home, video_id)
    for channel in channels_with_shards_of(home, video_id):
        if channel in place.channels().channels and home.table("documents").count(channel):
            perform(place, [data_launch(channel, ["token_shards"])])
    remove_files(home, video_id)
    forget_indexes(place.settings.scratch, channels)
    forget_scopes(place.settings.scratch)
    for folder in left_tunings(home, place.settings.scratch):
        if (folder / RUN_FILE).is_file():  # one without is being prepared
            shutil.rmtree(folder, ignore_errors=True)


def _show(traces: "list[Trace]", learned: "list[Learned]") -> None:
    table = table_of("table", "channel", "rows", numbers=("rows",))
    for trace in traces:
        table.add_row(trace.table, trace.channel, number(trace.num_rows))
    if traces:
        output().print(table)
    for model in learned:
        promoted = ", the promoted one" if model.promoted else ""
        output().print(
            f"stale: {model.kind} version {model.version} of {model.channel}{promoted}"
            f" learned from it; train anew: impressions train {model.channel}"
        )
