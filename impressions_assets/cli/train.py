"""The commands of training: `train`, and `models` to look at what was trained."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from impressions_assets.cli.materialize import Name, Verbose
from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.settings_flags import with_settings
from impressions_assets.cli.terminal import INTERRUPTED, note, number, output, table_of
from impressions_assets.gpt.config import LENGTH_PRESETS, MODEL_PRESETS
from impressions_assets.gpt.pretrained import PREFIX

if TYPE_CHECKING:
    from impressions_assets.storage.records import Artifact

KIND = "checkpoint"


@with_settings
def train(
    name: Name,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help=f"Size: {', '.join(MODEL_PRESETS)}.", show_default=False),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option("--length", help=f"Length: {', '.join(LENGTH_PRESETS)}.", show_default=False),
    ] = None,
    init: Annotated[
        str,
        typer.Option("--init", help="Start from: scratch, last, a version's number, or hf:GPT2."),
    ] = "scratch",
    out: Annotated[
        Literal["versions", "none"],
        typer.Option("--out", help="Keep the model as a version, or train without saving (none)."),
    ] = "versions",
    verbose: Verbose = False,
    **settings: Any,
) -> None:
    """Train a channel's GPT on its token shards. Ctrl-C saves and stops; the same command goes on.

    What is not given here comes from channels.yaml, then from the presets.
    """
    from impressions_assets.assets.training import settings_of
    from impressions_assets.cli.running import model_launch, perform

    place = open_place()
    given = {"model_preset": preset, "length_preset": length, "init": _absolute(init), **settings}
    chosen = {key: value for key, value in given.items() if value is not None}
    settings_of(place.channel(name), chosen, None)  # a mistake is told before anything starts
    if out == "none":
        _train_without_saving(place, name, chosen)
        return
    perform(place, [model_launch(name, settings=chosen)], verbose=verbose)


def models(
    name: Name,
    promote: Annotated[
        int | None,
        typer.Option(
            "--promote", help="Make this version the one that speaks.", show_default=False
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", help="Two versions, e.g. 1,2: what differs.", show_default=False),
    ] = None,
) -> None:
    """List a channel's models; promote one, or compare two."""
    place = open_place()
    place.check_known(name)
    if promote is not None:
        place.home.promote(name, KIND, promote)
        note(f"version {promote} of {name} is promoted; to evaluate it and let it speak:")
        note(f"  impressions materialize {name} --select evaluation,samples")
    if compare is not None:
        _compare(place, name, compare)
    else:
        _list(place, name)


def _absolute(init: str) -> str:
    """A folder of weights by its full path: the run may have another working folder."""
    folder = Path(init.removeprefix(PREFIX)).expanduser()
    return f"{PREFIX}{folder.resolve()}" if init.startswith(PREFIX) and folder.is_dir() else init


def _train_without_saving(place: Place, name: str, settings: dict[str, Any]) -> None:
    from impressions_assets.assets.training import prepare

    training = prepare(
        place.home, place.channel(name), place.settings.scratch, settings, save=False
    )
    code = followed(training.run_file)
    training.discard()
    if code:
        raise typer.Exit(code)


def followed(run_file: Path) -> int:
    """Train in a process of its own, as by hand; Ctrl-C reaches it, and it saves."""
    command = [sys.executable, "-m", "impressions_assets.gpt.train", str(run_file)]
    with subprocess.Popen(command) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            child.wait()
            return INTERRUPTED


def _list(place: Place, name: str) -> None:
    versions = place.home.artifacts(name, KIND)
    if not versions:
        note(f"{name} has no model yet: `impressions materialize {name}`, or `train {name}`")
        return
    evaluated = place.home.current(name, "evaluation")
    today = (evaluated.fact("scores") if evaluated else None) or {}
    figures = ("bits/byte", "today", "unigram", "steps", "parameters", "tokens")
    table = table_of("version", "made (UTC)", *figures, "from", "ended", numbers=figures)
    for version in versions:
        fact = version.fact
        table.add_row(
            f"{version.version} [green]promoted[/]" if version.current else str(version.version),
            version.created_at[:16].replace("T", " "),
            number(fact("val_bits_per_byte"), 3),
            number(today.get(str(version.version)), 3),
            number(fact("unigram_bits_per_byte"), 3),
            number(fact("steps")),
            number(fact("num_parameters")),
            number(fact("train_tokens")),
            str(fact("started_from_version") or fact("started_from") or "scratch"),
            f"{fact('stopped') or 'at its end'}{_stale(place, version)}",
        )
    output().print(table)
    note("bits/byte: on the validation text of its training; today: on that of the last evaluation")


def _stale(place: Place, version: "Artifact") -> str:
    from impressions_assets.storage.forgetting import forgotten_in

    forgotten = forgotten_in(place.home, version)
    count = f"{len(forgotten)} forgotten video{'s' * (len(forgotten) != 1)}"
    return f" [yellow]stale: learned from {count}[/]" if forgotten else ""


def _compare(place: Place, name: str, pair: str) -> None:
    numbers = pair.split(",")
    if len(numbers) != 2 or not all(one.strip().isdecimal() for one in numbers):
        raise typer.BadParameter("write two versions, such as 1,2", param_hint="--compare")
    first, second = (place.home.version(name, KIND, int(one)) for one in numbers)
    table = table_of("", *(f"version {one.strip()}" for one in numbers))
    ours, theirs = _facts(first), _facts(second)
    for key in ours | theirs:
        if ours.get(key) != theirs.get(key):
            table.add_row(key, _said(ours.get(key)), _said(theirs.get(key)))
    output().print(table)
    if first.fact("judged_by") != second.fact("judged_by"):
        note("their figures are of different validation texts; to compare them on today's:")
        note(f"  impressions materialize {name} --select evaluation && impressions models {name}")


def _facts(version: "Artifact") -> dict[str, Any]:
    """Everything known of a version, flat."""
    import json

    facts: dict[str, Any] = json.loads(version.facts)
    flat = {key: value for key, value in facts.items() if not isinstance(value, dict)}
    flat.pop("judged_by", None)
    flat["stopped"] = facts.get("stopped") or "at its end"
    for part in ("model", "train"):
        flat |= facts.get(part, {})
    return {"made": version.created_at, **flat}


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)
