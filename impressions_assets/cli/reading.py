"""The commands that give out what was made: `show` and `export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.terminal import minute, note, output, table_of

if TYPE_CHECKING:
    from impressions_assets.rows import Chapters, Transcript, Video


def show(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="Its id, or a link to it.")],
    channel: Annotated[
        str | None, typer.Option("--channel", help="Only in this channel.", show_default=False)
    ] = None,
) -> None:
    """Print one video's chapters and transcript."""
    from impressions_assets.cli.lookup import channels_with, video_id_of
    from impressions_assets.storage.digests import key_of

    place, console = open_place(), output()
    key = key_of(video_id_of(video))
    name = channels_with(place, video, channel)[0]
    tables = (
        place.home.table(kind).get(name, key) for kind in ("videos", "chapters", "transcripts")
    )
    described, chapters, transcript = tables
    assert described is not None
    _head(console, described, name)
    _problems(console, place, name, key)
    _history(console, place, name, key, described)
    _chapters(console, chapters)
    _transcript(console, transcript)


def export(
    name: Name,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="parquet, csv, jsonl, markdown, vtt, srt, json, qa, review, text, nanogpt,"
            " huggingface.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="The folder to write into. An address such as hf://datasets/OWNER/NAME publishes,"
            " and needs `permission` in channels.yaml.",
        ),
    ],
    version: Annotated[
        int | None,
        typer.Option(
            "-m",
            "--model",
            help="Version, with huggingface or chat_model; else the promoted one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a channel in a format that other tools read, and a card beside it."""
    from impressions_assets.export import export as write
    from impressions_assets.export import publish
    from impressions_assets.reader import open_channel

    place = open_place()
    place.check_known(name)
    channel = open_channel(name, place.settings.storage)
    if "://" in to:
        num_files, size_bytes = publish(channel, form, to, version)
    else:
        files = write(channel, form, Path(to), version)
        num_files, size_bytes = len(files), sum(file.stat().st_size for file in files)
    note(f"{num_files} file{'s' * (num_files != 1)}, {size_bytes:,} bytes, in {to}")


def _head(console: Console, video: "Video", channel: str) -> None:
    console.print(Text(video.title or video.video_id, style="bold"), soft_wrap=True)
    length = f"{video.duration_seconds / 60:.0f} minutes" if video.duration_seconds else ""
    facts = [video.channel_title, (video.published or "")[:10], length, video.url]
    facts += [f"status: {video.status}"] if video.status != "ok" else []
    said = " · ".join(fact for fact in facts if fact)
    console.print(f"[dim]{escape(said)} · in channel {channel}[/]", soft_wrap=True)


def _problems(console: Console, place: Place, channel: str, key: str) -> None:
    from impressions_assets.storage.attempts import attempts

    for stage in (
        "videos",
        "transcripts",
        "speech",
        "chapters",
        "articles",
        "qa_pairs",
        "documents",
    ):
        failed = attempts(place.home, channel, stage).get(key)
        if failed:
            again = f"; next try {failed.next_try}" if failed.next_try else ""
            console.print(f"[yellow]![/] {stage}: {escape(failed.error)}{again}", soft_wrap=True)


def _history(console: Console, place: Place, channel: str, key: str, video: "Video") -> None:
    """Print how the video was called, and when its description changed."""
    table = place.home.table("history")
    keys = [found for found in table.digests(channel) if found.startswith(key)]
    for earlier in table.rows(channel, keys):
        is_title = earlier.title != video.title
        said = f"called {earlier.title!r}" if is_title else "with another description"
        console.print(f"[dim]until {minute(earlier.until)} {escape(said)}[/]", soft_wrap=True)


def _chapters(console: Console, row: "Chapters | None") -> None:
    from impressions_assets.text.times import clock

    if row is None or not row.chapters:
        console.print("\n[dim]no chapters[/]")
        return
    table = table_of("", "chapter", "from", numbers=("",))
    for chapter in row.chapters:
        table.add_row(clock(chapter.start_seconds), escape(chapter.title), chapter.origin)
    console.print()
    console.print(table)


def _transcript(console: Console, row: "Transcript | None") -> None:
    from impressions_assets.text.times import clock

    notes = [Text(f"note: {note}", style="dim") for note in (row.notes if row else ())]
    if row is None or row.origin == "none":
        reason = f" ({row.reason})" if row and row.reason else ""
        console.print(f"\n[dim]no transcript{escape(reason)}[/]", *notes, sep="\n")
        return
    dropped = f", cues dropped: {len(row.dropped)}" if row.dropped else ""
    empty = "" if row.segments else ": without any words"
    console.print(
        f"\n[bold]transcript[/] [dim]({row.origin}, {row.language}{dropped}){empty}[/]",
        *notes,
        sep="\n",
    )
    for segment in row.segments:
        time = f"{clock(segment.start_seconds):>8}  " if row.is_timed else ""
        who = f"{segment.speaker}: " if segment.speaker else ""
        console.print(Text.assemble((time, "dim"), (who, "bold"), segment.text), soft_wrap=True)
