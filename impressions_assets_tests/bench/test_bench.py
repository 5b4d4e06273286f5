"""The bench itself, at its smallest: it runs to its end and its figures are sane."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from impressions_assets.jobs import DATA_ASSETS
from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.questions import parse_questions
from impressions_assets_tests.bench.archive import write_archive
from impressions_assets_tests.bench.channel import measure_channel
from impressions_assets_tests.bench.hostile import FLOODS, LENGTH, LINES, slowest, text_of
from impressions_assets_tests.bench.memory import tables_memory
from impressions_assets_tests.bench.one_more import measure_rooms
from impressions_assets_tests.bench.rooms import duplicates_cost, parsing_speed
from impressions_assets_tests.bench.tokens import captions_to_shards, loading, tokenizing
from impressions_assets_tests.bench.youtube import measure_youtube


@pytest.mark.slow
def test_a_small_channel_goes_through_all_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path))
    monkeypatch.delenv("IMPRESSIONS_STORAGE", raising=False)
    runs = measure_channel(tmp_path, 20, 200)
    computed = [
        [run.metadata[asset]["computed"] for asset in ("videos", "transcripts", "documents")]
        for run in (runs.full, runs.unchanged, runs.one_more)
    ]
    assert computed == [[20, 20, 20], [0, 0, 0], [1, 1, 1]]
    rewritten = [
        run.metadata["token_shards"]["rewritten_shards"]
        for run in (runs.full, runs.unchanged, runs.one_more)
    ]
    assert rewritten[0] >= 1
    assert rewritten[1] == 0
    assert 1 <= rewritten[2] <= 2
    assert runs.full.cpu_seconds > 0
    assert 50 < runs.full.peak_mb < 4000


def test_a_channel_of_youtube_on_loopback_is_listed_and_read(tmp_path: Path) -> None:
    first, again = measure_youtube(tmp_path, 16)
    assert 0 < first.cost.cpu_seconds < 60
    assert first.cost.wall_seconds > 3 * 0.05
    assert (first.units, again.requests, again.units) == (3, 1, 0)


@pytest.mark.slow
def test_the_rooms_alone_do_the_work_of_every_data_asset(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive", 20, 200)
    runs = measure_rooms(tmp_path, tmp_path / "archive", 20, 200)
    assert list(runs.first) == list(runs.one_more) == list(DATA_ASSETS)
    assert all(cpu_seconds > 0 for cpu_seconds in runs.first.values())
    assert runs.one_more["tokenizer"] == 0
    assert 1 <= runs.rewritten_shards <= 2


@pytest.mark.slow
def test_the_tables_are_made_in_a_process_of_their_own(tmp_path: Path) -> None:
    made = tables_memory(tmp_path, 5, 200)
    assert list(made) == [*DATA_ASSETS[:6], "all"]
    assert 50 < made["all"].peak_mb < 1000


@pytest.mark.slow
def test_the_memory_of_each_table_is_printed_by_hand_too() -> None:
    command = [sys.executable, "-m", tables_memory.__module__, "--videos", "2", "--words", "200"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"(?m)^\w+: \d+ CPU-seconds, \d+ MB$", said)) == 7


@pytest.mark.slow
def test_tokens_are_measured_against_others_on_the_same_bytes(tmp_path: Path) -> None:
    rows = [tokenizing(tmp_path, 20), captions_to_shards(tmp_path, 3), loading(tmp_path)]
    assert all(row.found > 0 for row in rows)
    assert [row.at_least for row in rows] == [5, 5, 8]


def test_every_planted_copy_is_found() -> None:
    found, cost = duplicates_cost(300, 30)
    assert (found, cost.cpu_seconds > 0) == (30, True)


def test_every_figure_of_a_parser_is_measured() -> None:
    seen: set[str] = set()
    speed = parsing_speed(seen.add)
    assert max(map(len, seen)) > 2 * 160
    assert all(figure > 0 for figure in speed if isinstance(figure, float))
    assert text_of(speed.worst_line) in seen
    assert text_of(speed.worst_flood) in seen


def test_the_search_for_slow_texts_climbs_to_the_slowest() -> None:
    def parse(text: str) -> None:
        sum(range(text.count("b") * 100))

    assert slowest(parse, ("a", "b", "c"), 0.2, seed=1)[0].strip("b") == ""


@pytest.mark.parametrize("parse", [parse_chapters, parse_questions])
@pytest.mark.parametrize("piece", [*LINES, *FLOODS])
def test_a_hostile_text_of_twice_the_length_takes_at_most_twice_the_calls(
    parse: Callable[[str], object], piece: str
) -> None:
    once, twice, four_times = (_calls(parse, text_of(piece, n * LENGTH // 4)) for n in (1, 2, 4))
    assert twice <= 2.1 * once + 100
    assert four_times <= 2.1 * twice + 100


def _calls(parse: Callable[[str], object], text: str) -> int:
    """How many functions are called, those of C included."""
    calls = Counter[str]()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.update([event]))
    try:
        parse(text)
    finally:
        sys.setprofile(before)
    return calls["call"] + calls["c_call"]


def test_the_same_seed_writes_the_same_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert write_archive(tmp_path / name, 3, 500) > 3 * 500
    files = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("a", "b")]
    assert files[0] == files[1]
    assert len(files[0]) == 6
    for file in files[0]:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
