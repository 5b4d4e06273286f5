"""The commands that say what is read: `add` and `channels`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note, number, output, table_of
from impressions_assets.errors import ConfigError

_COMMENT = re.compile(r"(?:^|\s+)#")


def add(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="A YouTube link, a folder that yt-dlp wrote, a file or folder of text, a dataset"
            " (hf:NAME).",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A file with a source on each line; comments begin with #.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="The channel's name; made from the first source if not given."),
    ] = None,
) -> None:
    """Add a channel, or more sources to a channel, to channels.yaml."""
    from impressions_assets.channels.channels_yaml import place_of, save_channel
    from impressions_assets.channels.source_argument import source_of, suggest_name

    arguments = [*(sources or []), *(_listed(file) if file else [])]
    if not arguments:
        raise typer.BadParameter("name at least one source, or a file of sources with --from")
    specs = [source_of(argument) for argument in arguments]
    chosen = name or suggest_name(specs[0])
    place = open_place()
    is_known = chosen in place.channels().channels
    save_channel(place.home, chosen, specs)
    what = f"{len(specs)} more source{'s' * (len(specs) > 1)}" if is_known else "a new channel"
    note(f"{what}: [bold]{chosen}[/] in {place_of(place.home)}")
    for spec in specs:
        note(escape(f"  {spec.kind}: {getattr(spec, spec.kind)}"))
    note(f"next: impressions materialize {chosen}")


def channels() -> None:
    """List the channels, what they read and how much of it is there."""
    place = open_place()
    declared = place.channels().channels
    made = place.home.table("videos").channels()
    table = table_of("channel", "sources", "videos", "documents", numbers=("videos", "documents"))
    for name in sorted({*declared, *made}):
        channel = declared.get(name)
        reads = _sources(channel.sources) if channel else "[dim]retired: no longer in the file[/]"
        counts = [place.home.table(kind).count(name) for kind in ("videos", "documents")]
        table.add_row(name, reads, *map(number, counts))
    if table.row_count:
        output().print(table)
    else:
        note("no channels yet: `impressions add SOURCE --name NAME`, or `impressions demo`")


def _listed(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list of sources {file} cannot be read: {error}") from error
    listed = [source for line in lines if (source := _without_comment(line.strip()))]
    if not listed:
        raise ConfigError(f"the list of sources {file} names none: write one on each line")
    return listed


def _without_comment(line: str) -> str:
    """Cut off a comment: at the beginning, or after a blank, where no path is named so."""
    return line if Path(line).exists() else _COMMENT.split(line)[0]


def _sources(sources: Sequence[object]) -> str:
    return "\n".join(str(getattr(source, source.kind)) for source in sources)  # type: ignore[attr-defined]
