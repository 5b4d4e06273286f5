"""The commands that look after the house: `status` and `gc`."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.standing import lines_of, service_lines
from impressions_assets.cli.terminal import minute, note, number, output, table_of
from impressions_assets.rows import PUBLISHED

if TYPE_CHECKING:
    from impressions_assets.storage.records import Artifact
    from impressions_assets.storage.standing import Standing

# In scratch: what can be fetched from the store again, and what killed runs left.
_LEFTOVERS = ("models/*", "results/*", "tmp*")
_UNUSED_SECONDS = 24 * 3600.0


def status(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A channel; all without.")
    ] = None,
    config: Annotated[
        bool, typer.Option("--config", help="Also show every setting, and where things lie.")
    ] = False,
) -> None:
    """Say how the channels stand: rows, failures, models, and what runs just now."""
    place = open_place()
    names = [name] if name else sorted(place.channels().channels)
    if name:
        place.check_known(name)
    if not names:
        note("no channels yet: `impressions add SOURCE --name NAME`, or `impressions demo`")
    for channel in names:
        _status_of(place, channel)
    for line in service_lines(place):
        output().print(line, markup=False, soft_wrap=True)
    _runs(place, name)
    if config:
        _config(place, names)


def gc(
    older_than_hours: Annotated[
        float,
        typer.Option(min=0, help="Leave what is younger: a run may be about to use it."),
    ] = 1.0,
    runs_older_than_days: Annotated[
        float | None,
        typer.Option(min=0, help="Also delete old runs, but for those that made something last."),
    ] = None,
) -> None:
    """Delete what nothing names any more: superseded shards, old tables, lost trainings."""
    from impressions_assets.assets.left_trainings import left_trainings

    place = open_place()
    if runs_older_than_days is not None:
        from impressions_assets.old_runs import delete_superseded_runs

        note(f"{delete_superseded_runs(place.instance, runs_older_than_days):,} runs were deleted")
    removed = place.home.gc(older_than_hours)
    scratch = place.settings.scratch
    leftovers = [folder for pattern in _LEFTOVERS for folder in scratch.glob(pattern)]
    for folder in (*leftovers, *left_trainings(place.home, scratch)):
        if time.time() - folder.stat().st_mtime > _UNUSED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    note(
        f"{removed['files']:,} files ({removed['bytes']:,} bytes) and"
        f" {removed['table_files']:,} files of tables were deleted"
    )


def _status_of(place: Place, channel: str) -> None:
    from impressions_assets.storage.attempts import is_of_video
    from impressions_assets.storage.standing import standing_of

    home = place.home
    failed = [
        (attempt.stage, attempt.next_try)
        for attempt in home.table("attempts").rows(channel)
        if is_of_video(attempt)
    ]
    table = table_of("asset", "rows", "failed", "", numbers=("rows", "failed"), title=channel)
    table.title_style = "bold"
    for asset in PUBLISHED:
        ours = [again for stage, again in failed if stage == asset]
        due = min((again for again in ours if again), default=None)
        told = "until their input changes" if ours else ""
        told = f"next try {minute(due)}" if due else told
        rows = home.table(asset).count(channel)
        table.add_row(asset, number(rows), number(len(ours)) if ours else "", told)
    for kind, said in _SAID_OF_FILES.items():
        current = home.current(channel, kind)
        table.add_row(kind, "", "", said(current) if current else "[dim]not made yet[/]")
    output().print(table)
    standing = standing_of(home, channel)
    for line in (*lines_of(standing), *_speech(place, channel, standing)):
        output().print(f"  {line}", markup=False, soft_wrap=True)
    output().print()


def _speech(place: Place, channel: str, standing: "Standing") -> Iterator[str]:
    """Say how much speech is to be recognized, less what was given up."""
    from impressions_assets.speech.choice import STAGE, wanted

    if declared := place.channels().channels.get(channel):
        over = (failure for failure in standing.given_up if failure.stage == STAGE)
        waiting = set(wanted(place.home, declared)).difference(*(one.video_ids for one in over))
        if waiting:
            yield f"speech: {len(waiting):,} to be recognized"


def _tokenizer(made: "Artifact") -> str:
    return f"version {made.version}: {made.fact('kind')}, {made.fact('vocab_size'):,} tokens"


def _token_shards(made: "Artifact") -> str:
    train, val = made.fact("train_tokens"), made.fact("val_tokens")
    return f"version {made.version}: {train:,} tokens to train on, {val:,} to validate"


def _checkpoint(made: "Artifact") -> str:
    bits, unigram = made.fact("val_bits_per_byte"), made.fact("unigram_bits_per_byte")
    beside = f"{number(bits, 3)} bits per byte (unigram {number(unigram, 3)})"
    return f"version {made.version}: {beside}, {number(made.fact('steps'))} steps"


_SAID_OF_FILES = {
    "tokenizer": _tokenizer,
    "token_shards": _token_shards,
    "checkpoint": _checkpoint,
}


def _runs(place: Place, name: str | None) -> None:
    """Show what runs or waits, and how the last run of each kind ended."""
    if not place.settings.dagster_home.exists():
        return
    from impressions_assets.runs import daemon_is_alive, latest_runs

    runs = latest_runs(place.instance, name)
    table = table_of("run", "lane", "status", "began", title="runs")
    table.title_style = "bold"
    for run in runs:
        table.add_row(run.run_id[:8], run.lane, run.status, run.began)
    if runs:
        output().print(table)
    alive = daemon_is_alive(place.instance)
    said = "takes runs from the queue" if alive else "is not running: runs start in the terminal"
    output().print(f"[dim]the daemon of `impressions dev` {said}[/]")


def _config(place: Place, names: list[str]) -> None:
    """Print every setting as it counts, presets resolved."""
    from impressions_assets.assets.training import settings_of

    resolved: dict[str, Any] = {
        "home": str(place.settings.home),
        "storage": place.settings.storage,
        "youtube": {
            **place.channels().youtube.model_dump(mode="json"),
            **place.settings.youtube.shown,
        },
        "channels": {},
    }
    for name in names:
        channel = place.channel(name)
        model, train = settings_of(channel, {}, place.home.current(name, "token_shards"))
        resolved["channels"][name] = {
            **channel.model_dump(mode="json", exclude={"name"}),
            "model": {"preset": channel.model.preset, **model.model_dump(mode="json")},
            "training": {"length": channel.training.length, **train.model_dump(mode="json")},
        }
    typer.echo(json.dumps(resolved, indent=2, ensure_ascii=False))
