"""The tokenizer asset: trained once, kept while the channel grows a little, and no longer."""

import pytest

from impressions_assets_tests.archives import Archive, talk
from impressions_assets_tests.houses import House

pytestmark = pytest.mark.slow  # whole runs


def set_channel(house: House, line: str) -> None:
    """Give the only channel one more setting."""
    text = house.home.store.read_text("channels.yaml") or ""
    house.home.store.write_text("channels.yaml", f"{text}    {line}\n")


@pytest.fixture
def talks(house: House, archive: Archive) -> str:
    house.declare("talks", archive.folder)
    assert house.data("talks").ok
    return "talks"


def test_it_is_kept_while_documents_grow_a_little(
    house: House, talks: str, archive: Archive
) -> None:
    before = house.home.version(talks, "tokenizer")
    archive.add("talk-d")
    assert house.data(talks).ok
    assert house.home.artifacts(talks, "tokenizer") == [before]


def test_it_is_trained_anew_when_the_text_reaches_four_times_what_it_saw(
    house: House, talks: str, archive: Archive
) -> None:
    for number in range(10):
        archive.add(f"more-{number}")
    assert house.data(talks).ok
    tokenizers = house.home.artifacts(talks, "tokenizer")
    assert [(t.version, t.current) for t in tokenizers] == [(1, False), (2, True)]
    assert tokenizers[1].fact("num_characters") >= 4 * tokenizers[0].fact("num_characters")


def test_a_new_tokenizer_rewrites_every_shard_and_only_them(house: House, talks: str) -> None:
    before, text = house.home.version(talks, "token_shards"), house.decoded(talks)
    set_channel(house, "tokenizer: {vocab_size: 300}")
    again = house.data(talks)
    assert again.ok
    assert sum(again.computed().values()) == 0
    made = again.metadata("token_shards")
    assert made["rewritten_shards"] == made["shards"]
    now = house.home.version(talks, "token_shards")
    assert now.fact("tokenizer") != before.fact("tokenizer")
    assert now.fact("tokenizer_version") == 2
    assert house.decoded(talks) == text


def test_going_back_to_earlier_settings_finds_the_earlier_tokenizer(
    house: House, talks: str
) -> None:
    text = house.home.store.read_text("channels.yaml") or ""
    set_channel(house, "tokenizer: {kind: characters}")
    house.data(talks)
    house.home.store.write_text("channels.yaml", text)
    house.data(talks)
    assert house.home.version(talks, "tokenizer").version == 1
    assert house.home.version(talks, "token_shards").fact("tokenizer_version") == 1


@pytest.mark.parametrize("kind", ["characters", "words"])
def test_other_kinds_decode_to_the_documents_too(house: House, archive: Archive, kind: str) -> None:
    house.declare("talks", archive.folder, tokenizer={"kind": kind})
    assert house.data("talks").ok
    documents = house.home.table("documents").columns("talks", "video_id", "text")
    assert house.home.version("talks", "tokenizer").fact("kind") == kind
    assert house.decoded("talks") == dict(documents)


def test_words_that_are_unknown_become_one_mark_where_the_channel_says_so(
    house: House, archive: Archive
) -> None:
    few = {"kind": "words", "vocab_size": 100}
    house.declare("talks", archive.folder, tokenizer=few | {"unknown_words": "mark"})
    assert house.data("talks").ok
    made = house.home.version("talks", "tokenizer").fact("digest")
    marked = "".join(house.decoded("talks").values()).count("\ufffd")
    text = house.home.store.read_text("channels.yaml") or ""
    house.home.store.write_text("channels.yaml", text.replace("mark", "characters"))
    assert house.data("talks").ok
    assert house.home.version("talks", "tokenizer").fact("digest") != made
    spelled = "".join(house.decoded("talks").values()).count("\ufffd")
    assert spelled < marked  # a character may be unknown too


def wait_for_captions(house: House, archive: Archive) -> None:
    """Let one of three videos wait for a retry: listed, and its captions not to be had."""
    house.declare("talks", archive.folder)
    house.data("talks", "videos")
    archive.captions("talk-b").unlink()
    house.data("talks", "transcripts", "chapters", "documents")


def test_it_waits_until_most_videos_are_decided(house: House, archive: Archive) -> None:
    wait_for_captions(house, archive)
    early = house.data("talks", "tokenizer", "token_shards")
    assert early.ok
    check = early.check("tokenizer", "enough_is_known")
    assert not check.passed
    message = str(check.metadata["why"].value)
    assert "2 of 3 videos of 'talks' are decided" in message
    assert "min_coverage asks for 90%" in message
    assert house.home.current("talks", "tokenizer") is None
    assert house.home.current("talks", "token_shards") is None
    set_channel(house, "tokenizer: {min_coverage: 0.6}")
    assert house.data("talks", "tokenizer", "token_shards").ok
    assert house.home.current("talks", "token_shards") is not None


def test_videos_that_failed_for_good_are_decided(house: House, archive: Archive) -> None:
    archive.captions("talk-b").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    house.declare("talks", archive.folder)
    run = house.data("talks")
    assert run.metadata("transcripts")["failed"] == 1
    assert run.ok


def test_it_is_kept_even_when_coverage_falls_later(
    house: House, talks: str, archive: Archive
) -> None:
    archive.add("talk-d").add("talk-e")
    house.data(talks, "videos")
    for video_id in ("talk-d", "talk-e"):
        archive.captions(video_id).unlink()
    assert house.data(talks, "transcripts", "chapters", "documents", "tokenizer").ok
    assert house.home.version(talks, "tokenizer").version == 1


def test_its_kind_and_sizes_are_shown_and_no_text(house: House, talks: str) -> None:
    shown = house.data(talks).metadata("tokenizer")
    assert shown["kind"] == "bpe"
    assert shown["version"] == 1
    assert shown["trained_on_characters"] == sum(
        len(text) for text in house.decoded(talks).values()
    )
    assert 257 <= shown["vocab_size"] <= 8192
    assert talk("talk-a")[0] not in repr(shown)
