"""`impressions storage`: what is done to storage roots as wholes."""

from typing import Annotated

import typer

from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note
from impressions_assets.settings import storage_root

app = typer.Typer(no_args_is_help=True, help="Copy a storage root between folders and buckets.")
_TOLD_EVERY = 100


@app.callback()
def storage() -> None:
    """Copy a storage root between folders and buckets."""


@app.command(epilog="Run again, it goes on where it was ended. Nothing is copied over anything.")
def copy(
    origin: Annotated[
        str, typer.Argument(metavar="FROM", help="The root to copy: a folder, or gs://….")
    ],
    to: Annotated[str, typer.Argument(metavar="TO", help="An empty folder, or gs://….")],
) -> None:
    """Copy channels.yaml, tables and files to an empty place, each checked; resumable."""
    from impressions_assets.storage.copying import copy_home
    from impressions_assets.storage.store import Store

    def tell(done: int, of: int) -> None:
        if done % _TOLD_EVERY == 0:
            note(f"{done:,} of {of:,} files")

    source, target = (Store(storage_root(r, n)) for r, n in ((origin, "FROM"), (to, "TO")))
    copied = copy_home(source, target, open_place().settings.scratch, tell)
    there = f", {copied.num_there:,} were there" if copied.num_there else ""
    note(
        f"{copied.num_files:,} files ({copied.size_bytes:,} bytes) were copied{there}."
        f" IMPRESSIONS_STORAGE={target.root} works with them"
    )
