"""What a link to YouTube names, in any spelling, and what is said of one that names nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impressions_assets.channels.youtube_links import YouTubeLink, canonical_url, parse_link
from impressions_assets.errors import ConfigError

VIDEO = "aB3-_xYz019"
CHANNEL = "UC" + "abcDEF-_0123456789xyzA"
PLAYLIST = "PL" + "abcdEFGH-_0123456789abcdEFGH0123"
UPLOADS = "UU" + CHANNEL[2:]
ALBUM = "OLAK5uy_" + "k" * 33

CASES = [
    # Channels
    (f"https://www.youtube.com/channel/{CHANNEL}", "channel", CHANNEL),
    (f"youtube.com/channel/{CHANNEL}/videos?view=0&sort=p", "channel", CHANNEL),
    (f"https://music.youtube.com/channel/{CHANNEL}", "channel", CHANNEL),
    (CHANNEL, "channel", CHANNEL),
    ("https://www.youtube.com/@Some.Body_1", "handle", "some.body_1"),
    ("https://www.youtube.com/@somebody/videos", "handle", "somebody"),
    ("https://www.youtube.com/@somebody/shorts/", "handle", "somebody"),
    ("https://www.youtube.com/@somebody/streams#top", "handle", "somebody"),
    ("m.youtube.com/@somebody/featured?si=abc", "handle", "somebody"),
    ("https://www.youtube.com/@somebody/playlists", "handle", "somebody"),
    ("https://www.youtube.com/%40somebody", "handle", "somebody"),
    ("https://www.youtube.com/@%E3%81%93%E3%82%93", "handle", "こん"),
    ("https://www.youtube.com/@こん", "handle", "こん"),
    ("youtube.com/@हिन्दी", "handle", "हिन्दी"),
    ("@l·l", "handle", "l·l"),
    ("@somebody", "handle", "somebody"),
    ("  @somebody/videos\n", "handle", "somebody"),
    ("@e\u0301lan", "handle", "élan"),
    ("http://youtube.com/c/SomeName?sub_confirmation=1", "custom", "SomeName"),
    ("https://www.youtube.com/c/Größe/about", "custom", "Größe"),
    ("https://www.youtube.com/user/SomeUser/videos", "user", "SomeUser"),
    # Playlists
    (f"https://www.youtube.com/playlist?list={PLAYLIST}", "playlist", PLAYLIST),
    (f"https://music.youtube.com/playlist?list={ALBUM}&si=x", "playlist", ALBUM),
    (f"https://www.youtube.com/watch?v={VIDEO}&list={PLAYLIST}&index=3", "playlist", PLAYLIST),
    (f"https://www.youtube.com/watch?list={PLAYLIST}", "playlist", PLAYLIST),
    (f"https://youtu.be/{VIDEO}?list={PLAYLIST}&t=5", "playlist", PLAYLIST),
    (f"https://www.youtube.com/embed/videoseries?list={PLAYLIST}", "playlist", PLAYLIST),
    (f"https://www.youtube.com/embed/{VIDEO}?list={PLAYLIST}", "playlist", PLAYLIST),
    (f"youtube.com/playlist?list={UPLOADS}", "playlist", UPLOADS),
    (PLAYLIST, "playlist", PLAYLIST),
    ("PL0123456789ABCDEF", "playlist", "PL0123456789ABCDEF"),
    (UPLOADS, "playlist", UPLOADS),
    (ALBUM, "playlist", ALBUM),
    ("FL" + CHANNEL[2:], "playlist", "FL" + CHANNEL[2:]),
    # Videos
    (f"https://www.youtube.com/watch?v={VIDEO}", "video", VIDEO),
    (f"HTTPS://WWW.YouTube.COM/watch?app=desktop&v={VIDEO}#t=5", "video", VIDEO),
    (f"http://m.youtube.com/watch?v={VIDEO}&t=1m", "video", VIDEO),
    (f"//youtube.com/watch?v={VIDEO}", "video", VIDEO),
    (f"youtube.com/watch?v={VIDEO}&list=RD{VIDEO}&start_radio=1", "video", VIDEO),
    (f"music.youtube.com/watch?v={VIDEO}&list=RDAMVM{VIDEO}", "video", VIDEO),
    (f"youtube.com/watch?v={VIDEO}&list=WL", "video", VIDEO),
    (f"youtube.com/watch?v={VIDEO}&list=LL&index=1", "video", VIDEO),
    (f"youtu.be/{VIDEO}", "video", VIDEO),
    (f"https://youtu.be/{VIDEO}?si=abc&t=5", "video", VIDEO),
    (f"https://youtu.be/{VIDEO}?list=RDMM", "video", VIDEO),
    (f"https://www.youtube.com/shorts/{VIDEO}", "video", VIDEO),
    (f"https://youtube.com/live/{VIDEO}?feature=share", "video", VIDEO),
    (f"https://www.youtube-nocookie.com/embed/{VIDEO}?start=5", "video", VIDEO),
    (f"https://www.youtube.com/v/{VIDEO}", "video", VIDEO),
    (VIDEO, "video", VIDEO),
    ("PLaylist-01", "video", "PLaylist-01"),
]

REFUSED = [
    "",
    " ",
    "somebody",
    "notes/talks",
    "@",
    "@...",
    "@two words",
    "@a:b",
    "@%00",
    "@%FF",
    "@a/../b",
    "@" + "a" * 101,
    "https://www.youtube.com",
    "youtube.com/",
    "youtube.com/somebody",
    "youtube.com/@somebody/search?query=x",
    "youtube.com/@somebody/videos/more",
    "youtube.com/results?search_query=x",
    "youtube.com/hashtag/x",
    "youtube.com/post/UgkxAbcdef",
    "youtube.com/clip/UgkxAbcdef",
    "youtube.com/gaming",
    "youtube.com/feed/trending",
    "youtube.com/embed/live_stream?channel=" + CHANNEL,
    "youtube.com/watch",
    "youtube.com/watch?v=",
    "youtube.com/watch?v=short",
    f"youtube.com/watch?v={VIDEO}x",
    f"youtube.com/shorts/{VIDEO[:-1]}",
    f"youtube.com/channel/{CHANNEL}x",
    f"youtube.com/channel/{VIDEO}",
    "youtube.com/channel/",
    "youtube.com/c/",
    "youtube.com/c/..",
    "youtube.com/user/%2F",
    "youtube.com/playlist",
    "youtube.com/playlist?list=PLx",
    f"youtube.com/playlist?list={PLAYLIST * 2}",
    f"youtube.com/playlist?list={PLAYLIST}/x",
    f"https://youtube.com.evil.com/watch?v={VIDEO}",
    f"https://evil.com/youtube.com/watch?v={VIDEO}",
    f"https://notyoutube.com/watch?v={VIDEO}",
    f"https://youtube.com@evil.com/watch?v={VIDEO}",
    f"https://evil@youtube.com/watch?v={VIDEO}",
    f"https://youtube.com:8080/watch?v={VIDEO}",
    f"https://studio.youtube.com/video/{VIDEO}/edit",
    f"ftp://youtube.com/watch?v={VIDEO}",
    f"javascript:youtube.com/watch?v={VIDEO}",
    "https://[youtube.com/@a",
    "https://youtube.com:x/@a",
    "https://youtube.com\N{DOUBLE-STRUCK ITALIC SMALL D}/@a",
    f"https://youtube.com/watch?v={VIDEO}\nHost: evil",
    f"https://youtube.com/\twatch?v={VIDEO}",
    f"\u202ehttps://youtube.com/watch?v={VIDEO}",
    f"{VIDEO}\0",
    "\ud800",
    "a" * 5000,
    "https://www.youtube.com/watch?v=" + "a" * 5000,
]


@pytest.mark.parametrize(("text", "kind", "found"), CASES)
def test_a_link_in_any_spelling_names_one_thing(text: str, kind: str, found: str) -> None:
    link = parse_link(text)
    assert (link.kind, link.id) == (kind, found)
    assert parse_link(link.url) == link


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_answered_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ConfigError, match=r"accepted are links .* @HANDLE") as caught:
        parse_link(text)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["RDMM", f"RD{VIDEO}", "WL", "LL", "LM", "TLGGabcdefghijkl"])
def test_a_list_that_is_made_for_one_person_is_explained(name: str) -> None:
    for link in (f"youtube.com/playlist?list={name}", f"youtube.com/watch?list={name}"):
        with pytest.raises(ConfigError, match="nobody else can read it"):
            parse_link(link)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (YouTubeLink("channel", CHANNEL), f"https://www.youtube.com/channel/{CHANNEL}"),
        (YouTubeLink("handle", "some.body"), "https://www.youtube.com/@some.body"),
        (YouTubeLink("handle", "こ"), "https://www.youtube.com/@%E3%81%93"),
        (YouTubeLink("user", "SomeUser"), "https://www.youtube.com/user/SomeUser"),
        (YouTubeLink("custom", "SomeName"), "https://www.youtube.com/c/SomeName"),
        (YouTubeLink("playlist", PLAYLIST), f"https://www.youtube.com/playlist?list={PLAYLIST}"),
        (YouTubeLink("video", VIDEO), f"https://www.youtube.com/watch?v={VIDEO}"),
    ],
)
def test_each_kind_has_one_address(link: YouTubeLink, url: str) -> None:
    assert link.url == url
    assert canonical_url(url) == url


def test_a_schemas_check_says_what_is_wrong_without_the_value() -> None:
    with pytest.raises(ValueError, match=r"^is no link to YouTube; accepted are"):
        canonical_url("https://example.org/x")


WORDS = st.sampled_from(
    (
        r"https:// http:// // @ / ? & = # % %40 %2F : . youtube.com youtu.be www. m. watch playlist"
        r" channel/ c/ user/ shorts/ embed/ list= v= RD WL videos ü こ"
        f" {VIDEO} {CHANNEL} {PLAYLIST}"
    ).split()
)
NAMES = st.text(st.characters(categories=["L", "M", "N"], include_characters="_-.·"), min_size=1)


@given(st.lists(WORDS | st.text(max_size=4), max_size=12).map("".join))
@example("https://www.youtube.com/@İΣ")
def test_any_text_is_a_link_with_one_address_or_a_config_error(text: str) -> None:
    try:
        link = parse_link(text)
    except ConfigError:
        return
    assert parse_link(link.url) == link


@given(NAMES, st.sampled_from(["@", "c/", "user/"]))
def test_a_name_in_any_script_keeps_its_address(name: str, prefix: str) -> None:
    try:
        link = parse_link(f"youtube.com/{prefix}{name}")
    except ConfigError:
        assert len(name) > 90 or not any(letter.isalnum() for letter in name)
        return
    assert link.url.isascii()
    assert parse_link(link.url) == link
