"""The manifest: written and read, and from any token range back to the video and its second."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impressions_assets.errors import CorruptFile, MissingFile, NewerSchema, StorageError
from impressions_assets.gpt.manifest import MANIFEST, Span, locate, read_manifest, write_manifest
from impressions_assets.gpt.shards import open_shard
from impressions_assets.gpt.tokenizer import train_tokenizer
from impressions_assets.gpt.vocabulary import PIECE_CHARACTERS
from impressions_assets_tests.gpt.test_shards import BPE, document, sharded

CHARACTERS = train_tokenizer(["abc \n"], "characters")
WORDS = train_tokenizer(["sun moon"], "words", 20)


@pytest.fixture
def two_documents(tmp_path):
    """Two documents of characters, so that tokens can be counted by eye: v1 first, then v2."""
    documents = [
        document(1, "aaabbb", anchor_offsets=(0, 3), anchor_seconds=(10.0, 20.0), license="CC BY"),
        document(2, "cccc", anchor_offsets=(2,), anchor_seconds=(7.5,)),
    ]
    made = sharded(tmp_path, documents, CHARACTERS)
    write_manifest(tmp_path, made.manifest)
    return made


def span(video_id: str, start_seconds: float | None, start: int, end: int) -> Span:
    return Span(video_id=video_id, start_seconds=start_seconds, token_start=start, token_end=end)


def test_a_manifest_is_read_as_it_was_written(two_documents):
    assert read_manifest(two_documents.folder) == two_documents.manifest
    (shard,) = two_documents.manifest.shards
    assert [(d.video_id, d.token_start, d.token_end) for d in shard.documents] == [
        ("v1", 0, 6),
        ("v2", 7, 11),
    ]
    assert [d.license for d in shard.documents] == ["CC BY", None]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, [("v1", 10.0, 0, 1)]),
        (2, 5, [("v1", 10.0, 2, 5)]),
        (3, 4, [("v1", 20.0, 3, 4)]),
        (4, 9, [("v1", 20.0, 4, 6), ("v2", None, 7, 9)]),
        (9, 99, [("v2", 7.5, 9, 11)]),
        (6, 7, []),
        (12, 20, []),
    ],
)
def test_a_token_range_leads_to_its_videos_and_seconds(two_documents, start, end, expected):
    (shard,) = two_documents.manifest.shards
    for name in ("train", shard.file):
        assert locate(two_documents.folder, name, start, end) == [span(*row) for row in expected]


def test_a_split_counts_through_all_its_shards(tmp_path):
    documents = [
        document(n, f"the sun {n}", anchor_offsets=(0,), anchor_seconds=(float(n),))
        for n in range(600)
    ]
    made = sharded(tmp_path, documents)
    write_manifest(tmp_path, made.manifest)
    train = [shard for shard in made.manifest.shards if shard.split == "train"]
    assert len(train) > 2
    base = train[0].num_tokens + train[1].num_tokens
    first = train[2].documents[0]
    seconds = float(first.video_id[1:])
    assert locate(tmp_path, "train", base, base + 1) == [
        span(first.video_id, seconds, base, base + 1)
    ]
    whole = locate(tmp_path, "train", 0, sum(shard.num_tokens for shard in train))
    assert {(s.video_id, s.start_seconds) for s in whole} == {
        (d.video_id, float(d.video_id[1:])) for d in documents if d.split == "train"
    }


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(st.sampled_from("sun mo\né汉🎙"), min_size=1),
    tokenizer=st.sampled_from([BPE, CHARACTERS, WORDS]),
    data=st.data(),
)
def test_an_anchor_is_at_the_token_that_holds_its_first_byte(
    tmp_path_factory, text, tokenizer, data
):
    offset = data.draw(st.integers(0, len(text) - 1))
    folder = tmp_path_factory.mktemp("anchors")
    made = sharded(
        folder, [document(1, text, anchor_offsets=(offset,), anchor_seconds=(5.0,))], tokenizer
    )
    write_manifest(folder, made.manifest)
    (shard,) = made.manifest.shards
    tokens = open_shard(folder / shard.file, None)
    lengths = tokenizer.token_lengths()
    decoded = tokenizer.decode(tokens)
    first_byte = len(decoded[:offset].encode())
    timed = [
        place
        for place in range(len(tokens) - 1)
        if locate(folder, "train", place, place + 1)[0].start_seconds == 5.0
    ]
    before = int(lengths[tokens[: timed[0]]].sum())
    assert before <= first_byte < before + lengths[tokens[timed[0]]]
    assert timed == list(range(timed[0], len(tokens) - 1))


def test_anchors_count_through_words_that_are_one_mark(tmp_path):
    marked = train_tokenizer(["sun moon"], "words", 20, unknown_words="mark")
    text = "sun étoile moon"
    anchors = {"anchor_offsets": (0, 4, 11), "anchor_seconds": (1.0, 2.0, 3.0)}
    made = sharded(tmp_path, [document(1, text, **anchors)], marked)
    write_manifest(tmp_path, made.manifest)
    spans = [locate(tmp_path, "train", place, place + 1)[0] for place in range(5)]
    assert [s.start_seconds for s in spans] == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_anchors_of_a_long_document_stay_exact_past_the_first_piece(tmp_path):
    line = "the möön and the stars\n"
    count = 3 * PIECE_CHARACTERS // len(line)
    offsets = tuple(range(0, count * len(line), len(line)))
    seconds = tuple(float(n) for n in range(count))
    made = sharded(
        tmp_path, [document(1, line * count, anchor_offsets=offsets, anchor_seconds=seconds)]
    )
    write_manifest(tmp_path, made.manifest)
    per_line = (made.manifest.shards[0].num_tokens - 1) // count
    for n in (0, 1, count // 2, count - 1):
        (found,) = locate(tmp_path, "train", n * per_line, n * per_line + 1)
        assert found.start_seconds == n


def test_an_anchor_at_the_end_of_the_text_belongs_to_its_last_token(tmp_path):
    made = sharded(
        tmp_path, [document(1, "abc", anchor_offsets=(0, 3), anchor_seconds=(1.0, 2.0))], CHARACTERS
    )
    write_manifest(tmp_path, made.manifest)
    assert [locate(tmp_path, "train", n, 3)[0].start_seconds for n in range(3)] == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("offsets", "seconds"),
    [((0, 4), (0.0, 1.0)), ((2, 1), (0.0, 1.0)), ((0,), ()), ((-1,), (0.0,))],
)
def test_anchors_that_do_not_fit_the_text_are_refused(tmp_path, offsets, seconds):
    with pytest.raises(ValueError, match="v1"):
        sharded(tmp_path, [document(1, "abc", anchor_offsets=offsets, anchor_seconds=seconds)])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_shard_is_refused(two_documents):
    with pytest.raises(MissingFile, match=r"other\.bin"):
        locate(two_documents.folder, "other.bin", 0, 1)


def test_lost_and_broken_anchors_are_refused_by_name(two_documents):
    path = two_documents.folder / two_documents.manifest.shards[0].anchors_file
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(CorruptFile, match=path.name):
        locate(two_documents.folder, "train", 0, 1)
    path.unlink()
    with pytest.raises(MissingFile, match=path.name):
        locate(two_documents.folder, "train", 0, 1)


def test_a_manifest_or_tokenizer_that_cannot_be_written_is_a_storage_error(two_documents, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(StorageError, match=MANIFEST):
        write_manifest(taken, two_documents.manifest)
    with pytest.raises(StorageError, match="tokens.json"):
        CHARACTERS.save(taken)


def test_a_missing_broken_or_newer_manifest_is_refused(two_documents):
    path = two_documents.folder / MANIFEST
    whole = msgspec.json.decode(path.read_bytes())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptFile, match=MANIFEST):
        read_manifest(two_documents.folder)
    path.write_bytes(msgspec.json.encode(whole | {"version": 2, "shards": "elsewhere"}))
    with pytest.raises(NewerSchema, match="version 2"):
        read_manifest(two_documents.folder)
    path.unlink()
    with pytest.raises(MissingFile, match=MANIFEST):
        read_manifest(two_documents.folder)
