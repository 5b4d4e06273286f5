"""channels.yaml as text: what is read, what is said about mistakes, what an edit leaves alone."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impressions_assets.channels.channel import ArchiveSource, Channel, TextSource, YouTubeSource
from impressions_assets.channels.file import add_channel, parse_channels
from impressions_assets.channels.stages import YouTubeSettings
from impressions_assets.errors import ConfigError

FILE = """\
---
# what we follow
channels:
  # the first one
  talks:
    title: 'Talks'  # as people call it
    sources:
    - archive: "/talks"   # from yt-dlp
    filters:
      since: 2024-01-31
      shorts: no
    training:
  notes:
    sources: [text: /notes]
# the end
"""


def problems(text: str | bytes, file: str = "channels.yaml") -> list[str]:
    try:
        parse_channels(text, file)
    except ConfigError as error:
        return str(error).split("\n")
    return []


def only_problem(text: str | bytes) -> str:
    (problem,) = problems(text)
    return problem


def with_setting(setting: str) -> str:
    return f"channels:\n  demo:\n    sources: [text: /a]\n    {setting}\n"


def channels(text: str) -> dict[str, Channel]:
    return parse_channels(text).channels


# What is read


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "channels:\n", b"", "{}"])
def test_a_file_without_channels_is_no_mistake(text: str | bytes) -> None:
    assert parse_channels(text).channels == {}


def test_a_file_is_read_with_its_settings() -> None:
    talks = channels(FILE)["talks"]
    assert talks.title == "Talks"
    assert str(talks.filters.since) == "2024-01-31"
    assert not talks.filters.shorts
    assert channels(FILE)["notes"].sources == (TextSource(text="/notes"),)


def test_plain_words_stay_the_words_they_are() -> None:
    text = with_setting("languages: [no, en]").replace("demo", "2024")
    assert channels(text)["2024"].languages == ("no", "en")
    assert channels(with_setting("title: 007"))["demo"].title == "007"


def test_an_empty_value_means_the_default() -> None:
    assert channels(with_setting("filters:")) == channels(with_setting("languages: ~"))


def test_channels_share_settings_by_an_anchor() -> None:
    text = with_setting("model: &m {preset: debug}") + (
        "  b:\n    sources: [text: /b]\n    model: *m\n"
    )
    assert channels(text)["b"].model.preset == "debug"


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake() -> None:
    data = b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode()
    assert parse_channels(data).channels == channels(FILE)


# What is said about mistakes


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = """\
channels:
  Talks!:
    sources:
      - archive: talks
      - youtube: "@some body"
    filters:
      since: 2024-13-01
      sinse: 2024-01-01
    filters: {}
    model: {preset: bigg}
  empty:
extra: 1
"""
    assert [problem.split(": ")[0] for problem in problems(text)] == [
        "channels.yaml:2",
        "channels.yaml:4",
        "channels.yaml:5",
        "channels.yaml:6",
        "channels.yaml:7",
        "channels.yaml:8",
        "channels.yaml:10",
        "channels.yaml:11",
        "channels.yaml:12",
    ]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("filters: {since: 2024-13-01}", "filters.since: '2024-13-01' is not a date; write YYYY"),
        ("filters: {since: 20240101}", "20240101 is not a date"),
        ("filters: {sinse: x}", "filters.sinse: unknown key; did you mean since? Allowed: since,"),
        ("modle: {}", "demo.modle: unknown key; did you mean model? Allowed: title, sources"),
        ("name: other", "demo.name: unknown key; the name is 'demo', above"),
        ("model: {preset: big}", "'big' is not allowed; write 'debug', 'baby', 'small'"),
        ("model: {n_layer: 1.5}", "model.n_layer: 1.5 is not a whole number (blocks)"),
        ("model: {n_layer: 0}", "0 is too small: the least is 1"),
        ("model: {dropout: 1}", "1 is too large: it must be below 1"),
        ("model: {dropout: lots}", "'lots' is not a number"),
        ("model: {bias: maybe}", "'maybe' is neither true nor false"),
        ("model: [a, b]", "demo.model: a list of 2 must be a mapping of keys to values"),
        ("languages: en", "demo.languages: 'en' must be a list, such as [a, b]"),
        ("languages: []", "demo.languages: is empty"),
        ("languages: [en, '?']", "demo.languages[1]: '?' is not a language tag"),
        ("title: {a: b}", "demo.title: a mapping of a must be text"),
        ("filters: {title_includes: ['']}", "title_includes[0]: '' is empty"),
        ("filters: {title_includes: [' ']}", "title_includes[0]: ' ' is blank"),
        ("retrain: {schedule: 61 * * * *}", "is not acceptable, out of range"),
        ("tokenizer: {kind: json}", "demo.tokenizer: kind json needs `path`"),
        ("filters: {since: 2024-02-01, until: 2024-01-01}", "is after until (2024-01-01)"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line_and_what_is_allowed(
    setting: str, said: str
) -> None:
    problem = only_problem(with_setting(setting))
    assert problem.startswith("channels.yaml:4: channels.demo.")
    assert said in problem


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "vimeo: a",
            "[0]: a mapping of vimeo is not one known source; write one of `youtube",
        ),
        ("youtube: '@a b'", "[0].youtube: '@a b' holds no name that a channel can have; accepted"),
        (
            "youtube: youtube.com/feed",
            "[0].youtube: 'youtube.com/feed' is on YouTube, but names",
        ),
        ("{youtube: '@a', limit: 1}", "[0].limit: unknown key; Allowed: youtube"),
        ("/talks", "[0]: '/talks' is not one known source"),
        ("", "[0]: nothing is not one known source"),
        ("{text: /a, archive: /b}", "[0]: a mapping of text, archive is not one known source"),
        ("archive: talks", "[0].archive: 'talks' is relative, and processes start in different"),
        ('archive: "/a\\0b"', "[0].archive: '/a\\x00b' is empty or holds a control character"),
        ("{dataset: a, limt: 5}", "[0].limt: unknown key; did you mean limit?"),
        ("{dataset: a, limit: 0}", "[0].limit: 0 is too small: the least is 1 (rows to read"),
    ],
)
def test_a_wrong_source_is_named_with_its_line_and_the_kinds_there_are(
    source: str, said: str
) -> None:
    problem = only_problem(f"channels:\n  demo:\n    sources:\n      - {source}\n")
    assert problem.startswith("channels.yaml:4: channels.demo.sources[0]")
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- demo\n", "channels.yaml:1: a list of 1 must be a mapping"),
        ("demo", "channels.yaml:1: 'demo' must be a mapping"),
        ("channels: [a]", "channels.yaml:1: channels: a list of 1 must be a mapping"),
        ("# c\nchanels: {}", "channels.yaml:2: chanels: unknown key; did you mean channels?"),
        ("channels:\n\tdemo: 1\n", "channels.yaml:2: is not YAML: found character '\\t'"),
        ("channels:\n  demo: 'x\n", "channels.yaml:2: is not YAML: found unexpected end"),
        ("a: b: c", "channels.yaml:1: is not YAML: mapping values are not allowed here"),
        ("a: *b", "channels.yaml:1: is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "channels.yaml:2: is not YAML: but found another document"),
        ("\nchannels: \0", "channels.yaml:2: holds the control character '\\x00'"),
        (b"channels:\n  \xff: 1", "channels.yaml:2: byte 0xff is not UTF-8"),
        ("[" * 600, "channels.yaml: is not YAML that can be read"),
        ("? [a]\n: 1\n", "channels.yaml:1: (line 1): unknown key"),
        ("channels:\n  demo:\n", "channels.yaml:2: channels.demo.sources: is missing"),
        ("channels: {a b: {sources: [text: /a]}}", "channels.a b: 'a b' is not a channel's name"),
    ],
)
def test_text_that_is_no_channels_file_is_one_clear_error(text: str | bytes, said: str) -> None:
    assert only_problem(text).startswith(said) or said in only_problem(text)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("listing: scrape", "listing: 'scrape' is not allowed; write 'auto', 'api' or 'keyless'"),
        ("daily_quota: 5", "unknown key; did you mean daily_quota_units? Allowed: listing, daily_"),
        ("concurrency: 33", "33 is too large: the most is 32 (requests at the same time)"),
        ("daily_videos: none", "'none' is not a whole number (videos a day whose captions are"),
        ("jitter: lots", "'lots' is not a number"),
    ],
)
def test_a_wrong_setting_of_youtube_is_named_with_its_line(setting: str, said: str) -> None:
    problem = only_problem(f"channels:\nyoutube:\n  {setting}\n")
    assert problem.startswith("channels.yaml:3: youtube.")
    assert said in problem


def test_a_link_in_the_place_of_youtubes_settings_is_refused() -> None:
    said = "channels.yaml:1: youtube: '@a' must be a mapping of keys to values (how YouTube"
    assert only_problem("youtube: '@a'\n").startswith(said)


def test_a_handle_without_quotes_is_explained() -> None:
    text = "channels:\n  demo:\n    sources:\n      - youtube: @somebody\n"
    assert only_problem(text).startswith("channels.yaml:4: ")
    assert only_problem(text).endswith("put the @handle in quotes")


@pytest.mark.parametrize(
    ("written", "limit"), [("null", None), ("~", None), ("", 2000), ("7", 7)], ids=repr
)
def test_null_lifts_the_daily_limit_and_nothing_keeps_it(written: str, limit: int | None) -> None:
    assert parse_channels(f"youtube:\n  daily_videos: {written}\n").youtube.daily_videos == limit


def test_tabs_are_explained() -> None:
    assert only_problem("channels:\n\tdemo: 1\n").endswith("indent with spaces, not with tabs")


def test_a_repeated_key_is_told_with_both_lines_and_the_first_one_counts() -> None:
    text = FILE + "  talks: {sources: [text: /b]}\n"
    assert only_problem(text) == "channels.yaml:5: channels.talks: stands twice: lines 5 and 16"


def test_an_anchor_that_holds_itself_ends_in_an_error() -> None:
    assert any("refers to itself" in problem for problem in problems("channels: &a\n  b: *a\n"))


@settings(deadline=None)
@given(st.text(alphabet="channels:{}[]-&*!|>'\"#%@ \n\tdemo/\0é~", max_size=60))
def test_any_text_is_read_or_refused_with_the_file_named(text: str) -> None:
    assert all(line.startswith("my.yaml:") for line in problems(text, "my.yaml"))


# What an edit leaves alone


def test_adding_to_an_empty_file_writes_the_whole_of_it() -> None:
    text = add_channel("", "demo", [ArchiveSource(archive="/talks")], languages=["en", "de"])
    assert text == (
        "channels:\n"
        "  demo:\n"
        "    sources:\n"
        "      - archive: /talks\n"
        "    languages:\n"
        "      - en\n"
        "      - de\n"
    )


def test_adding_keeps_comments_order_quotes_and_style() -> None:
    added = "  more:\n    sources:\n    - dataset: a/b\n      limit: 5\n"
    expected = FILE.replace("# the end\n", added + "# the end\n")
    assert add_channel(FILE, "more", [{"dataset": "a/b", "limit": 5}]) == expected


def test_new_sources_are_appended_to_a_channel_that_is_there() -> None:
    text = add_channel(FILE, "talks", [{"archive": "/talks"}, {"text": "/more"}, {"text": "/more"}])
    old = '    - archive: "/talks"   # from yt-dlp\n'
    assert text == FILE.replace(old, old + "    - text: /more\n")


def test_a_link_is_written_in_full_and_once() -> None:
    links = ["@Somebody", "aaaaaaaaaaa", "https://youtu.be/aaaaaaaaaaa"]
    text = add_channel("", "new", [{"youtube": link} for link in links])
    assert channels(text)["new"].sources == (
        YouTubeSource(youtube="@somebody"),
        YouTubeSource(youtube="aaaaaaaaaaa"),
    )


def test_an_addition_keeps_the_settings_of_youtube() -> None:
    head = "youtube:\n  daily_videos: ~   # all of them\n  jitter: 0.25\n"
    text = add_channel(head, "new", [{"youtube": "@somebody"}])
    assert text == (
        head
        + "channels:\n  new:\n    sources:\n      - youtube: https://www.youtube.com/@somebody\n"
    )
    assert parse_channels(text).youtube == YouTubeSettings(daily_videos=None, jitter=0.25)
    more = add_channel(text, "new", [{"youtube": "aaaaaaaaaaa"}])
    assert more == text + "      - youtube: https://www.youtube.com/watch?v=aaaaaaaaaaa\n"


@pytest.mark.parametrize(
    ("name", "sources", "settings", "said"),
    [
        ("talks", [{"archive": "/talks"}], {}, "has these sources already; nothing was added"),
        ("talks", [{"text": "/b"}], {"title": "B"}, "exists: change its settings in channels.yaml"),
        ("New!", [{"text": "/b"}], {}, "'New!' is not a channel's name"),
        ("new", [], {}, "channels.new.sources: is empty"),
        ("new", [{"text": "b"}], {}, "sources[0].text: 'b' is relative"),
        ("new", [{"text": "/b"}], {"titel": "B"}, "titel: unknown key; did you mean title?"),
    ],
)
def test_an_addition_that_makes_no_sense_is_refused(
    name: str, sources: list[dict[str, str]], settings: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        add_channel(FILE, name, sources, **settings)
    assert said in str(caught.value)


def test_a_file_with_a_mistake_is_not_edited() -> None:
    with pytest.raises(ConfigError, match=r"channels\.yaml:3"):
        add_channel("channels:\n  a: {sources: [text: /a]}\n  b:\n", "c", [{"text": "/c"}])


def test_an_edit_that_would_reach_another_channel_is_refused() -> None:
    text = "channels:\n  a:\n    sources: &s\n      - text: /a\n  b:\n    sources: *s\n"
    with pytest.raises(ConfigError, match="by hand:\nchannels:\n  b:"):
        add_channel(text, "b", [{"text": "/b"}])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "channels:\n",
        "channels: {}\n",
        "channels: {a: {sources: [text: /a]}}\n",
        "channels:\n    a:\n        sources:\n            -   text: /a\n",
        "channels:\n  true:\n    sources: [text: /a]\n  0x1f:\n    sources: [{text: /b}]\n",
        FILE,
        FILE.replace("\n", "\r\n"),
    ],
)
@pytest.mark.parametrize("name", ["new", "2024", "null", "false", "no", "1e3", "0x2f"])
def test_what_is_added_is_read_back_and_the_rest_is_as_it_was(text: str, name: str) -> None:
    settings = {
        "title": "007",
        "filters": {"shorts": False, "title_includes": ["~", "yes", "a: #"]},
    }
    edited = add_channel(text, name, [{"text": "/new"}], tokenizer={"vocab_size": 300}, **settings)
    after = channels(edited)
    assert {key: value for key, value in after.items() if key != name} == channels(text)
    assert after[name].sources == (TextSource(text="/new"),)
    assert (after[name].title, after[name].tokenizer.vocab_size) == ("007", 300)
    assert after[name].filters.title_includes == ("~", "yes", "a: #")
    assert ("\r\n" in edited) == ("\r\n" in text)


@settings(deadline=None)
@example(title="a line break of old: \x85", coverage=1.0)
@given(st.text(min_size=1, max_size=30).filter(str.strip), st.floats(0, 1))
def test_any_title_and_number_survive_the_file(title: str, coverage: float) -> None:
    text = add_channel(
        FILE, "new", [{"text": "/new"}], title=title, tokenizer={"min_coverage": coverage}
    )
    assert channels(text)["new"].title == title
    assert channels(text)["new"].tokenizer.min_coverage == coverage
