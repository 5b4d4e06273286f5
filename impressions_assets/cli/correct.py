"""The command `correct`: what people changed in the sheets of a review goes into the tables."""

from pathlib import Path
from typing import Annotated

import typer

from impressions_assets.cli.materialize import Name, Verbose
from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note, number

_TOLD = 20


def correct(
    name: Name,
    sheets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SHEET",
            help="Sheets that `export --format review` wrote, with your changes.",
            show_default=False,
        ),
    ] = None,
    undo: Annotated[
        str | None,
        typer.Option("--undo", help="Take back all corrections of this video.", show_default=False),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Correct pairs, chapters and transcripts by hand; corrections survive every later run."""
    from impressions_assets.cli.lookup import video_id_of
    from impressions_assets.cli.running import data_launch, perform
    from impressions_assets.cli.stages import STAGES, stages_from, with_shards
    from impressions_assets.review import corrections

    if bool(sheets) == bool(undo):
        raise typer.BadParameter("give sheets to read, or a video to --undo")
    place = open_place()
    place.channel(name)
    if undo:
        done = corrections.undo(place.home, name, video_id_of(undo))
    else:
        done = corrections.correct(place.home, name, sheets or [])
    if not done.tables:
        note("there is nothing to take back" if undo else "the sheets say what the tables hold")
        return
    videos = "1 video" if len(done.video_ids) == 1 else f"{number(len(done.video_ids))} videos"
    note(f"{videos} corrected in {', '.join(sorted(done.tables))}")
    for line in done.overruling[:_TOLD]:
        note(
            f"{line.path}, line {line.line_number}, now counts in place of what changed after the "
            "sheet was exported"
        )
    if len(done.overruling) > _TOLD:
        note(f"… and {number(len(done.overruling) - _TOLD)} more lines")
    first = next(made.stage.table for made in STAGES if made.stage.table in done.tables)
    names = [*stages_from(first), *sorted(done.tables - set(stages_from(first)))]
    perform(place, [data_launch(name, with_shards(names))], verbose=verbose)
