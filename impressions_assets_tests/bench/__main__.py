"""Measure speed and memory, and print them: `make bench`.

Within one run, ratios mean something; seconds depend on what else the machine does. `--only NAME`
measures one section.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.questions import parse_questions
from impressions_assets_tests.bench.channel import ChannelRuns, measure_channel
from impressions_assets_tests.bench.imports import import_definitions
from impressions_assets_tests.bench.memory import tables_memory
from impressions_assets_tests.bench.one_more import RoomRuns, measure_rooms
from impressions_assets_tests.bench.ratios import Ratio, ratio_table
from impressions_assets_tests.bench.rooms import (
    ParsingSpeed,
    captions_speed,
    duplicates_cost,
    parsing_speed,
    shards_speed,
)
from impressions_assets_tests.bench.tables import change_three
from impressions_assets_tests.bench.texts import Text, text_of
from impressions_assets_tests.bench.youtube import measure_youtube

_FULL = 10_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sections that were asked for; what they write goes when they are done."""
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench")
    parser.add_argument("--videos", type=int, default=1000, help="videos of the channel")
    parser.add_argument("--words", type=int, default=5000, help="words of each video")
    parser.add_argument("--full", action="store_true", help=f"{_FULL} videos: an hour, 3 GB")
    names = ("channel", *_AGAINST_OTHERS)
    parser.add_argument("--only", choices=names, action="append", help="this section; repeatable")
    parser.add_argument("--text", type=Path, help="what trainings learn; else the demo's talks")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.INFO)  # Dagster tells of every batch
    console = Console(width=120)
    sections = chosen.only or names
    if "channel" in sections:
        _channel(console, _FULL if chosen.full else chosen.videos, chosen.words)
    rows = [_AGAINST_OTHERS[name] for name in sections if name in _AGAINST_OTHERS]
    if rows:
        text = text_of(chosen.text)
        console.print(ratio_table((row for section in rows for row in section(text)), text.name))


def _tokens(text: Text) -> Iterable[Ratio]:
    from impressions_assets_tests.bench.tokens import tokens_ratios

    return tokens_ratios()


def _training(text: Text) -> Iterable[Ratio]:
    from impressions_assets_tests.bench.training import training_rows

    return training_rows(text)


def _generation(text: Text) -> Iterable[Ratio]:
    from impressions_assets_tests.bench.decode import decode_ratios

    return decode_ratios()


def _speech(text: Text) -> Iterable[Ratio]:
    from impressions_assets_tests.bench.speech import speech_ratios

    return speech_ratios()


# Each section of the table "Against others" gives its rows.
_AGAINST_OTHERS: dict[str, Callable[[Text], Iterable[Ratio]]] = {
    "tokens": _tokens,
    "training": _training,
    "generation": _generation,
    "speech": _speech,
}


def _channel(console: Console, num_videos: int, num_words: int) -> None:
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        home = Path(folder)
        os.environ.update(IMPRESSIONS_HOME=folder, IMPRESSIONS_STORAGE="")
        runs = measure_channel(home, num_videos, num_words)
        title = f"{num_videos} videos of {num_words} words"
        console.print(_channel_table(runs, title))
        rooms = measure_rooms(home / "rooms", home / "archive", num_videos + 1, num_words)
        console.print(_rooms_table(rooms, title))
        console.print(_summary(runs, rooms, home))
        memory = tables_memory(home / "memory", num_videos, num_words)["all"]
        console.print(
            f"{num_videos} videos' tables are made in {memory.peak_mb:.0f} MB, in a process alone"
        )


def _channel_table(runs: ChannelRuns, title: str) -> Table:
    table = Table(title=f"{title}: CPU-seconds (peak MB)")
    for heading in ("asset", "first run", "unchanged", "one video more"):
        table.add_column(heading, justify="left" if heading == "asset" else "right")
    three = (runs.full, runs.unchanged, runs.one_more)
    for asset in runs.full.costs:
        costs = [run.costs[asset] for run in three]
        table.add_row(asset, *(f"{c.cpu_seconds:.2f} ({c.peak_mb:.0f})" for c in costs))
    table.add_section()
    table.add_row("all", *(f"{run.cpu_seconds:.2f} ({run.peak_mb:.0f})" for run in three))
    table.add_row("wall seconds", *(f"{run.wall_seconds:.2f}" for run in three))
    return table


def _rooms_table(rooms: RoomRuns, title: str) -> Table:
    table = Table(title=f"{title}, the rooms without tables: CPU-seconds")
    for heading in ("asset", "first run", "one video more"):
        table.add_column(heading, justify="left" if heading == "asset" else "right")
    for asset in rooms.first:
        table.add_row(asset, f"{rooms.first[asset]:.2f}", f"{rooms.one_more[asset]:.3f}")
    table.add_section()
    both = (sum(run.values()) for run in (rooms.first, rooms.one_more))
    table.add_row("all", *(f"{cpu_seconds:.3f}" for cpu_seconds in both))
    return table


def _summary(runs: ChannelRuns, rooms: RoomRuns, home: Path) -> Table:
    table = Table(title="Ratios and speeds")
    table.add_column("measured")
    table.add_column("found", justify="right")
    room_ratio = ("one video more / first run, CPU of the rooms", f"{rooms.ratio:.2%}")
    for row in [room_ratio, *_ratios(runs), *_speeds(home)]:
        table.add_row(*row)
    return table


def _ratios(runs: ChannelRuns) -> Iterator[tuple[str, str]]:
    full = runs.full.cpu_seconds
    shards = runs.one_more.metadata["token_shards"]
    yield "one video more / first run, CPU", f"{runs.one_more.cpu_seconds / full:.2%}"
    yield "nothing changed / first run, CPU", f"{runs.unchanged.cpu_seconds / full:.2%}"
    yield "shards rewritten for one video", f"{shards['rewritten_shards']} of {shards['shards']}"
    yield "peak memory of the process", f"{runs.full.peak_mb:.0f} MB"
    yield "captions to shards, CPU", f"{runs.caption_bytes / 1e6 / full:.1f} MB/s"


def _speeds(home: Path) -> Iterator[tuple[str, str]]:
    yield "captions to segments, CPU", f"{captions_speed(home / 'captions'):.1f} MB/s"
    for name, parse in (("chapters", parse_chapters), ("questions", parse_questions)):
        yield from _parsing(name, parsing_speed(parse))
    yield "text to tokens in shards, CPU", f"{shards_speed(home / 'shards'):.1f} MB/s"
    first, again = measure_youtube(home / "youtube", 200)
    pace = f"{200 / first.cost.wall_seconds:.0f} videos/s, {first.units} units"
    yield "200 YouTube videos and captions, 50 ms an answer", pace
    yield "the same with nothing new", f"{again.requests} request, {again.units} units"
    found, cost = duplicates_cost(_FULL, _FULL // 10)
    yield (
        f"near-duplicates among {_FULL:,} documents, {_FULL // 10:,} planted",
        f"{found:,}, {cost.cpu_seconds:.1f} CPU-s",
    )
    replaced, merged = change_three(home / "tables", 5000)
    ratio = merged.cpu_seconds / replaced.cpu_seconds
    yield "3 of 5000 rows: merge / replace where, CPU", f"{ratio:.0f}x"
    seconds, has_torch = import_definitions()
    yield "importing the definitions", f"{seconds:.1f} s, {'with' if has_torch else 'no'} torch"


def _parsing(name: str, speed: ParsingSpeed) -> Iterator[tuple[str, str]]:
    both = f"{speed.without_list:,.0f}, {speed.with_list:,.0f}"
    yield f"{name} of descriptions without and with a list, a CPU-second", both
    for kind, seconds, piece in (
        ("hostile line", speed.worst_line_seconds, speed.worst_line),
        ("flood of lines", speed.worst_flood_seconds, speed.worst_flood),
    ):
        worst = f"{seconds * 1000:.2f} ms, {seconds / speed.plain_seconds:.0f}x ({piece!r})"
        yield f"  the slowest {kind} of 5,000 characters / a plain one", worst
    growths = f"{speed.growth:.2f}x, {speed.worst_growth:.2f}x"
    yield "  a list, and the worst hostile text, of twice the length", growths


if __name__ == "__main__":
    main()
