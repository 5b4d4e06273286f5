"""Planning of shards: what one video more costs, and the split of a channel's only document."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards, split_single
from impressions_assets.rows import Document, Dropped

TOKENIZER = "ab" * 32


def refs(*numbers: int) -> list[DocumentRef]:
    return [
        DocumentRef(video_id=f"v{n}", digest=f"d{n}", split="val" if n % 10 == 0 else "train")
        for n in numbers
    ]


def digests(documents: list[DocumentRef], tokenizer: str = TOKENIZER) -> set[str]:
    return {shard.input_digest for shard in plan_shards(documents, tokenizer)}


@given(st.sets(st.integers(0, 5000), min_size=1, max_size=600), st.data())
def test_one_document_more_or_less_changes_at_most_two_shards(numbers, data):
    one = data.draw(st.sampled_from(sorted(numbers)))
    with_it, without = digests(refs(*numbers)), digests(refs(*numbers - {one}))
    assert len(with_it - without) <= 2
    assert len(without - with_it) <= 2
    assert with_it != without


@given(st.permutations(refs(*range(200))))
def test_the_plan_depends_on_the_documents_and_not_on_their_order(documents):
    assert plan_shards(documents, TOKENIZER) == plan_shards(refs(*range(200)), TOKENIZER)


def test_documents_stand_in_the_order_of_their_hash_each_once_and_splits_apart():
    plan = plan_shards(refs(*range(2000)), TOKENIZER)
    for split in ("train", "val"):
        ids = [i for shard in plan if shard.split == split for i in shard.video_ids]
        assert sorted(ids) == sorted(r.video_id for r in refs(*range(2000)) if r.split == split)
        assert ids == sorted(ids, key=lambda video_id: sha256(video_id.encode()).hexdigest())
    assert 30 < len(plan) < 120


def test_a_changed_document_changes_one_shard_and_another_tokenizer_all():
    before = refs(*range(1000))
    after = [*before[:500], DocumentRef(video_id="v500", digest="new", split="val"), *before[501:]]
    assert len(digests(after) - digests(before)) == 1
    assert not digests(before, "cd" * 32) & digests(before)


def test_files_are_named_by_their_digest():
    (shard,) = plan_shards(refs(1), TOKENIZER)
    assert shard.file == f"train-{shard.input_digest[:16]}.bin"
    assert shard.anchors_file == f"train-{shard.input_digest[:16]}.anchors.parquet"


def test_a_video_twice_in_a_split_is_refused():
    with pytest.raises(ValueError, match="'v7' twice"):
        plan_shards(refs(7, 8, 7), TOKENIZER)


def document(text: str, **fields) -> Document:
    return Document(video_id="only", text=text, split="train", **fields)


@given(st.text(min_size=2), st.floats(0.01, 0.99))
def test_the_two_parts_joined_are_the_text_and_neither_is_empty(text: str, fraction: float):
    train, val = split_single(document(text), fraction)
    assert train.text + val.text == text
    assert train.text
    assert val.text
    assert (train.split, val.split) == ("train", "val")


def test_the_cut_stands_at_a_line_end_near_the_fraction():
    lines = [f"line {i} of many. It has two sentences.\n" for i in range(100)]
    train, val = split_single(document("".join(lines)), 0.1)
    assert train.text.endswith("\n")
    assert len(val.text.splitlines()) == 10


def test_without_lines_the_cut_stands_at_a_sentence_else_at_a_space():
    sentences, _ = split_single(document("A sentence stands here. " * 40), 0.1)
    words, _ = split_single(document("word " * 100), 0.1)
    assert sentences.text.endswith("here. ")
    assert words.text.endswith("word ")


def test_anchors_go_with_their_text_and_the_second_part_begins_with_the_running_one():
    text = "a" * 89 + "\n" + "b" * 10
    whole = document(
        text,
        anchor_offsets=(0, 50, 95),
        anchor_seconds=(0.0, 5.0, 9.5),
        dropped=(Dropped(reason="advertisement", text="x"),),
    )
    train, val = split_single(whole, 0.1)
    assert (train.anchor_offsets, train.anchor_seconds) == ((0, 50), (0.0, 5.0))
    assert (val.anchor_offsets, val.anchor_seconds) == ((0, 5), (5.0, 9.5))
    assert (len(train.dropped), len(val.dropped)) == (1, 0)


@pytest.mark.parametrize(("text", "fraction"), [("a", 0.1), ("abc", 0.0), ("abc", 1.0)])
def test_what_cannot_be_split_is_refused(text: str, fraction: float):
    with pytest.raises(ValueError, match="only"):
        split_single(document(text), fraction)
