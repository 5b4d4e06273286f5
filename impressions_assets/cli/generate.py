"""The command `generate`: a channel's model speaks, as it thinks of it."""

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.terminal import note
from impressions_assets.errors import ConfigError


def generate(
    name: Name,
    context: Annotated[
        str, typer.Option("-c", "--context", help="What the text begins with.")
    ] = "",
    tokens: Annotated[int, typer.Option("-t", "--tokens", min=1, help="How long, at most.")] = 200,
    file: Annotated[
        Path | None,
        typer.Option("-f", "--file", help="Write to a file as well.", show_default=False),
    ] = None,
    file_tokens: Annotated[
        int | None,
        typer.Option(
            "-ft", "--file-tokens", min=1, help="How long in the file.", show_default=False
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("-m", "--model", help="Version; else the promoted one.", show_default=False),
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, help="0 always takes the likeliest token.")
    ] = 0.8,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, help="Only the k likeliest tokens.", show_default=False),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option("--top-p", help="Only the fewest tokens that have this probability together."),
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option("--min-p", help="Only tokens with this share of the likeliest's probability."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="The same seed, the same text.", show_default=False),
    ] = None,
    repetition_penalty: Annotated[
        float, typer.Option("--repetition-penalty", help="Above 1 makes repetition rarer.")
    ] = 1.0,
    may_loop: Annotated[
        bool, typer.Option("--may-loop", help="Go on when it says the same again and again.")
    ] = False,
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option("--dtype", help="Of the weights; bfloat16 is faster on x86 CPUs."),
    ] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write to the file only.")] = False,
) -> None:
    """Let a channel's model speak, after some words if you like."""
    if file is None and (quiet or file_tokens):
        raise typer.BadParameter("there is no file: name one with -f FILE")
    place = open_place()
    place.check_known(name)
    how = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "seed": secrets.randbits(31) if seed is None else seed,
        "repetition_penalty": repetition_penalty,
        "may_loop": may_loop,
    }
    generator = _load(place, name, version, dtype)
    said = ""
    if not quiet:
        said = _spoken(generator.stream(context, tokens, **how), context)
    if file is not None:
        length = file_tokens or tokens
        if quiet or length != tokens:  # the same seed begins with the same words
            said = context + generator.generate(context, length, **how)
        _write(file, said)


def _load(place: Place, name: str, version: int | None, dtype: str) -> Any:
    made = place.home.version(name, "checkpoint", version)
    folder = place.settings.scratch / "models" / made.digest
    place.home.store.fetch(made.files, folder)
    try:
        from impressions_assets.gpt.sample import Generator
    except ImportError as error:
        raise ConfigError(
            f"models need torch, and it cannot be imported ({error}):"
            " pip install 'impressions-assets[train]'"
        ) from error
    return Generator.load(folder, dtype=dtype)  # type: ignore[arg-type] # of the three words


def _spoken(pieces: Iterator[str], context: str) -> str:
    """Print the pieces as they come; return all of them."""
    said = [context]
    sys.stdout.write(context)
    for piece in pieces:
        said.append(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return "".join(said)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the text cannot be written to {file}: {error}") from error
    note(f"written to {file}")
