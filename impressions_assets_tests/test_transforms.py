"""Transforms by name: what channels.yaml takes and refuses, and those of other packages."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from impressions_assets.assets import documents, qa_pairs
from impressions_assets.channels.channel import Channel, TextSource
from impressions_assets.channels.file import add_channel, parse_channels
from impressions_assets.errors import ConfigError
from impressions_assets.rows import Segment
from impressions_assets.text.answer_lengths import SplitAnswers
from impressions_assets.text.asides import DropAsides
from impressions_assets.transforms import (
    GROUP,
    OURS,
    OnPairs,
    OnSegments,
    segments_through,
    transform_of,
)
from impressions_assets_tests.packages import install

PAGE = (Path(__file__).parents[1] / "docs/transforms.md").read_text("utf-8")
SHOUT = """\
from typing import ClassVar
from msgspec.structs import replace
from impressions_assets.rows import Dropped
from impressions_assets.transforms import Kept, OnSegments

class Shout(OnSegments):
    name: ClassVar[str] = "shout"
    version: ClassVar[int] = 7
    mark: str = "!"

    def on_segments(self, segments):
        loud = [replace(one, text=one.text.upper() + self.mark) for one in segments[1:]]
        return Kept(loud, [Dropped("quiet", segments[0].text)])
"""


def channel(transforms: str) -> Channel:
    text = f"channels:\n  demo:\n    sources: [text: /a]\n    transforms: {transforms}\n"
    return parse_channels(text).channels["demo"]


def refusal(transforms: str) -> str:
    with pytest.raises(ConfigError) as raised:
        channel(transforms)
    return str(raised.value)


def test_a_channel_lists_steps_by_name_with_or_without_options() -> None:
    found = channel("[drop_asides, {split_answers: {max_words: 20}}]").transforms
    assert found == (DropAsides(), SplitAnswers(max_words=20))


def test_a_list_in_lines_is_read_as_one_in_brackets() -> None:
    lines = (
        "\n      - drop_asides: {phrases: [Hi all]}\n      - split_answers:\n          max_words: 9"
    )
    assert channel(lines).transforms == (DropAsides(phrases=("Hi all",)), SplitAnswers(max_words=9))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "[shorten]",
            r"s\[0\]: there is no transform 'shorten'; There are: drop_asides, ",
        ),
        (
            "[drop_aside]",
            "no transform 'drop_aside'; did you mean drop_asides\\? There are",
        ),
        ("[drop_asides, {split_answers: {words: 3}}]", r"transforms\[1\].*words: unknown option"),
        ("[{split_answers: {words: 3}}]", r"Its options: max_words \(words in an answer at most\)"),
        (
            "[{split_answers: {max_words: many}}]",
            "max_words: 'many' is not a whole number. ",
        ),
        ("[{split_answers: {max_words: 0}}]", "max_words: 0 is too small: the least is 1. "),
        ("[{split_answers: 3}]", "split_answers: 3 must be a mapping of keys to values. "),
        ("[{a: {}, b: {}}]", "write a NAME, or {NAME: {OPTION: VALUE}}"),
        ("[[drop_asides]]", "write a NAME, or {NAME: {OPTION: VALUE}}"),
        ("drop_asides", "must be a list"),
    ],
)
def test_what_is_no_step_is_refused_with_what_there_is(written: str, said: str) -> None:
    assert re.search(said, refusal(written))


def test_a_list_that_is_written_is_read_as_the_same() -> None:
    steps = ["drop_asides", {"split_answers": {"max_words": 20}}]
    text = add_channel("", "demo", [TextSource(text="/a")], transforms=steps)
    (lines,) = [YAML(typ="safe").load(text)["channels"]["demo"]["transforms"]]
    assert lines == steps
    assert parse_channels(text).channels["demo"].transforms[1] == SplitAnswers(max_words=20)


def test_rows_depend_on_the_steps_that_work_on_them() -> None:
    none, split = channel("[]"), channel("[split_answers]")
    longer, asides = channel("[{split_answers: {max_words: 9}}]"), channel("[drop_asides]")
    assert qa_pairs.settings_of(none) == [()]
    assert "transforms" not in documents.settings_of(none)
    pairs = [qa_pairs.settings_of(one) for one in (none, split, longer, asides)]
    assert [one for number, one in enumerate(pairs) if one in pairs[:number]] == []
    assert documents.settings_of(split) == documents.settings_of(longer)
    assert documents.settings_of(none) == documents.settings_of(split)
    assert documents.settings_of(asides)["transforms"] == [["drop_asides", 1, {"phrases": []}]]


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_step_of_ours_and_each_option_stands_on_the_page(name: str) -> None:
    kind = type(transform_of(name))
    assert issubclass(kind, OnSegments | OnPairs)
    (section,) = re.findall(rf"^## `{name}`\n(.*?)(?=^## )", PAGE, flags=re.M | re.S)
    assert re.findall(r"^- `(\w+)`", section, flags=re.M) == list(kind.model_fields)
    assert f"| `{name}` |" in PAGE


def test_the_list_on_the_page_is_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
    found = parse_channels(example).channels["lectures"].transforms
    assert {step.name for step in found} == set(OURS)


def test_the_step_on_the_page_works() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    there: dict[str, type] = {}
    exec(example, there)
    step = there["DropAdverts"](sponsors=("Acme",))
    kept, dropped = segments_through([step], [Segment(0, 1, "Buy Acme."), Segment(1, 2, "Trees.")])
    assert [one.text for one in kept] == ["Trees."]
    assert [(one.transform, one.reason) for one in dropped] == [("drop_adverts", "advert")]


def test_another_package_adds_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, GROUP, "shout = loud_steps:Shout", "loud_steps", SHOUT)
    monkeypatch.syspath_prepend(tmp_path)
    chosen = channel("[{shout: {mark: '?'}}]")
    kept, dropped = segments_through(chosen.transforms, [Segment(0, 1, "a"), Segment(1, 2, "b")])
    assert [one.text for one in kept] == ["B?"]
    assert [(one.reason, one.transform) for one in dropped] == [("quiet", "shout")]
    assert qa_pairs.settings_of(chosen) == [(), [["shout", 7, {"mark": "?"}]]]
    assert "drop_repeats, split_answers, limit_length, normalize, shout" in refusal("[x]")


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("shout = nowhere:Shout", "shout (nowhere:Shout) cannot be loaded: No module named"),
        (
            "shout = broken_steps:Whisper",
            "shout (broken_steps:Whisper) cannot be loaded: module 'broken_steps'",
        ),
        (
            "loud = broken_steps:Shout",
            "loud (broken_steps:Shout) is no OnSegments or OnPairs of this `name`",
        ),
        ("shout = broken_steps:replace", "is no OnSegments or OnPairs"),
        ("shout = impressions_assets.transforms:OnPairs", "is no OnSegments or OnPairs"),
        ("normalize = broken_steps:Shout", "two transforms are called 'normalize'"),
    ],
)
def test_a_package_that_is_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: str, said: str
) -> None:
    install(tmp_path, GROUP, points, "broken_steps", SHOUT)
    monkeypatch.syspath_prepend(tmp_path)
    assert said in refusal(f"[{points.split()[0]}]")
