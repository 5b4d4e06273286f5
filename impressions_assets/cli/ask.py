"""The command `ask`: a channel answers, and says where it said so."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from impressions_assets.cli.encoding import shown_encoding
from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note
from impressions_assets.errors import ConfigError, PromptTooLong

if TYPE_CHECKING:
    from impressions_assets.chat.answerer import Message, Sampling
    from impressions_assets.chat.desk import Desk
    from impressions_assets.chat.procedures import Answer

_END = ("", "/quit", "/exit")


def ask(
    name: Name,
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUESTION", help="Without one, a conversation begins."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Questions, one a line.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write answers here, as lines of JSON.", show_default=False),
    ] = None,
    variant: Annotated[
        str,
        typer.Option("-m", "--model", help="Variant; NAME:untuned is its base as it was."),
    ] = "",
    style: Annotated[
        str, typer.Option("--style", help="as-said, or plain: a summary in a neutral tone.")
    ] = "as-said",
    procedure: Annotated[
        str,
        typer.Option("--procedure", help="How it is asked; packages add theirs."),
    ] = "plain",
    passages: Annotated[
        int, typer.Option("--passages", min=0, max=20, help="Matching passages in the prompt.")
    ] = 0,
    sources: Annotated[
        int, typer.Option("--sources", min=0, max=20, help="Sources to list at most.")
    ] = 3,
    tokens: Annotated[int, typer.Option("-t", "--tokens", min=1, help="How long, at most.")] = 300,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, help="0 always takes the likeliest token.")
    ] = 0.0,
    top_p: Annotated[
        float | None,
        typer.Option("--top-p", help="Only the fewest tokens that have this probability together."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same seed, the same answer.")
    ] = None,
    may_loop: Annotated[
        bool, typer.Option("--may-loop", help="Go on when it says the same again and again.")
    ] = False,
    guard: Annotated[
        bool, typer.Option("--guard/--no-guard", help="Refuse what is not the channel's subject.")
    ] = True,
) -> None:
    """Ask a channel: its chat model answers, with links to where it said so."""
    from impressions_assets.answering.desk import open_desk
    from impressions_assets.chat.answerer import Sampling

    if question and file:
        raise typer.BadParameter("a question and --file: give one of them")
    if style not in ("as-said", "plain"):
        raise typer.BadParameter(f"--style {style}: write as-said or plain")
    if style == "plain" and procedure != "plain":
        raise typer.BadParameter("--style plain is a procedure of its own: leave out one of them")
    place = open_place()
    with shown_encoding() as tell:
        desk = open_desk(
            place.home,
            place.channel(name),
            place.settings.scratch,
            variants=(variant,),
            guarded=guard,
            procedure="summary" if style == "plain" else procedure,
            most_sources=sources,
            most_passages=passages,
            tell=tell,
        )
    settings = Sampling(tokens, temperature, top_p, seed, may_loop=may_loop)
    if file:
        _answer_all(desk, settings, _questions(file), out)
    elif question:
        _answer_all(desk, settings, [" ".join(question)], out)
    else:
        _converse(desk, settings)


def _questions(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the questions in {file} cannot be read: {error}") from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise ConfigError(f"{file} holds no question: write one a line")
    return found


def _answer_all(
    desk: "Desk", settings: "Sampling", questions: Iterable[str], out: Path | None
) -> None:
    """Answer one after the other; one that is too long for the model keeps no other waiting."""
    num_left = 0
    with _kept(out) as keep:
        for question in questions:
            try:
                if keep:
                    keep(_answered(desk, settings, question))
                else:
                    _say(desk, settings, question)
            except PromptTooLong as error:
                note(escape(f"no answer to {question[:40]!r}: {error}"))
                num_left += 1
    if num_left:
        raise typer.Exit(1)


@contextmanager
def _kept(out: Path | None) -> Iterator["Callable[[Answer], None] | None"]:
    """What writes an answer into a file, as soon as it is there; None without a file."""
    if out is None:
        yield None
        return
    import msgspec

    number = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as file:

            def keep(answer: "Answer") -> None:
                nonlocal number
                file.write(msgspec.json.encode(answer) + b"\n")
                file.flush()
                number += 1

            yield keep
    except OSError as error:
        raise ConfigError(f"the answers cannot be written to {out}: {error}") from error
    note(f"{number} answer{'s' * (number != 1)} written to {out}")


def _answered(
    desk: "Desk",
    settings: "Sampling",
    question: str,
    earlier: Sequence["Message"] = (),
    show: Callable[[str], object] = bool,
) -> "Answer":
    """Ask after some turns; the answer is shown as it comes."""
    plan, said = desk.plan(question, earlier), ""
    for piece in desk.answer(desk.models[desk.default], plan, settings):
        said += piece
        show(piece)
    return plan.answer(said)


def _say(
    desk: "Desk", settings: "Sampling", question: str, earlier: Sequence["Message"] = ()
) -> "Answer":
    """Print the answer as it comes, then what the procedure writes beside it."""
    from impressions_assets.chat.procedures import rest_of

    answer = _answered(desk, settings, question, earlier, _show)
    _show(f"{rest_of(answer.answer, desk.procedure.write(answer))}\n")
    if not answer.in_scope:
        note(f"[dim]outside of its subject: {answer.reason}[/]")
    return answer


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _converse(desk: "Desk", settings: "Sampling") -> None:
    """Ask and answer until an empty line, or the end of the input."""
    from impressions_assets.chat.answerer import Message

    note("[dim]ask; an empty line ends it, /new begins anew[/]")
    earlier: list[Message] = []
    while True:
        try:
            question = input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if question in _END:
            return
        if question == "/new":
            earlier = []
            continue
        try:
            answer = _say(desk, settings, question, earlier)
        except PromptTooLong:
            note("[dim]the conversation is too long for the model: it begins anew[/]")
            earlier = []
            answer = _say(desk, settings, question)
        if answer.in_scope:
            earlier += [Message("user", answer.question), Message("assistant", answer.answer)]
