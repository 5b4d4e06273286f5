"""The command `search`: where a channel says what is asked for."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from impressions_assets.cli.encoding import shown_encoding
from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.terminal import note, output

if TYPE_CHECKING:
    from impressions_assets.chat.passages import Source


def search(
    name: Name,
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words, or a question.")],
    most: Annotated[
        int, typer.Option("-n", "--number", min=1, max=1000, help="Passages at most.")
    ] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: whole passages, as a list in JSON.")
    ] = False,
) -> None:
    """Find where a channel says something: passages, best first, with links to the second."""
    from impressions_assets.answering.search import open_search

    place = open_place()
    place.check_known(name)
    asked = " ".join(words)
    with shown_encoding() as tell:
        channel = open_search(
            place.home, name, place.settings.scratch, _encoder(place, name), tell=tell
        )
    found = channel.sources(asked, most)
    if as_json:
        _print_json(found)
        return
    if not found:
        note(f"no passage of {name!r} holds any of these words")
    for number, source in enumerate(found, 1):
        _print(number, source, channel.excerpt(source, asked))


def _encoder(place: Place, name: str) -> str | None:
    """The channel's; one that left channels.yaml is searched by words."""
    channel = place.channels().channels.get(name)
    return channel.search.encoder if channel else None


def _print_json(found: "list[Source]") -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _print(number: int, source: "Source", excerpt: str) -> None:
    from impressions_assets.text.times import clock

    time = "" if source.start_seconds is None else f" [dim]at {clock(source.start_seconds)}[/]"
    console = output()
    console.print(f"[bold]{number}. {escape(source.title)}[/]{time}", soft_wrap=True)
    console.print(Text(f"   {excerpt}"), soft_wrap=True)
    console.print(f"   [dim]{escape(source.link or source.video_id)}[/]\n", soft_wrap=True)
