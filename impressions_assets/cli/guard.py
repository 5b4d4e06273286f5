"""The command `guard`: whether a question is one for a channel."""

from typing import Annotated

import typer

from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import open_place


def guard(
    name: Name,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="What is asked.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether a question is one for the channel, and why."""
    import msgspec

    from impressions_assets.answering.scope import open_guard

    place = open_place()
    opened = open_guard(place.home, place.channel(name), place.settings.scratch)
    verdict = opened.judge(" ".join(question))
    if as_json:
        typer.echo(msgspec.json.encode(verdict._asdict()).decode())
        return
    typer.echo(
        f"{'in' if verdict.in_scope else 'out'} ({verdict.probability:.2f}): {verdict.reason}"
    )
    if not verdict.in_scope:
        typer.echo(f"the answer: {opened.answer}")
