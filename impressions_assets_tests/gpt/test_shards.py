"""Shards: the format, what is refused, decoding back, and the same bytes for the same input."""

import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from impressions_assets.errors import (
    CorruptFile,
    MissingFile,
    NothingToDo,
    StorageError,
    TokenizerError,
)
from impressions_assets.gpt.manifest import Manifest
from impressions_assets.gpt.nanogpt import write_nanogpt
from impressions_assets.gpt.shard_plan import DocumentRef, PlannedShard, plan_shards
from impressions_assets.gpt.shards import (
    manifest_of,
    open_shard,
    read_documents,
    token_type,
    write_shard,
)
from impressions_assets.gpt.tokenizer import Tokenizer, make_tokenizer, train_tokenizer
from impressions_assets.gpt.vocabulary import PIECE_CHARACTERS
from impressions_assets.rows import Document

BPE = train_tokenizer(["the sun and the moon and the stars " * 9], vocab_size=300)


@dataclass
class Sharded:
    """Documents written as shards into a folder."""

    folder: Path
    manifest: Manifest
    documents: dict[str, Document]


def document(number: int, text: str, **fields) -> Document:
    return Document(
        video_id=f"v{number}", text=text, split="val" if number % 5 == 4 else "train", **fields
    )


def planned(documents: list[Document], tokenizer: Tokenizer = BPE) -> list[PlannedShard]:
    refs = [DocumentRef(video_id=d.video_id, digest="d", split=d.split) for d in documents]
    return plan_shards(refs, tokenizer.digest)


def sharded(folder: Path, documents: list[Document], tokenizer: Tokenizer = BPE) -> Sharded:
    by_id = {d.video_id: d for d in documents}
    shards = [
        write_shard(folder, plan, (by_id[i] for i in plan.video_ids), tokenizer)
        for plan in planned(documents, tokenizer)
    ]
    return Sharded(folder, manifest_of(tokenizer, shards), by_id)


def one_shard(folder: Path) -> Path:
    return folder / sharded(folder, [document(1, "the sun")]).manifest.shards[0].file


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(min_size=1), min_size=1, max_size=12))
def test_decoded_shards_equal_the_documents(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("shards")
    made = sharded(folder, [document(n, text) for n, text in enumerate(texts)])
    read = dict(read_documents(folder, made.manifest, BPE))
    assert read == {i: d.text for i, d in made.documents.items()}
    num_bytes = sum(shard.num_bytes for shard in made.manifest.shards)
    assert num_bytes == sum(len(text.encode()) for text in texts)


def test_each_document_is_followed_by_end_of_text_and_the_header_tells_the_rest(tmp_path):
    made = sharded(tmp_path, [document(1, "the sun"), document(2, "the moon")])
    (shard,) = made.manifest.shards
    tokens = open_shard(tmp_path / shard.file, BPE.digest)
    expected = []
    for part in shard.documents:
        expected += [*BPE.encode(made.documents[part.video_id].text), BPE.end_of_text]
        assert tokens[part.token_end] == BPE.end_of_text
    assert tokens.tolist() == expected
    assert shard.num_tokens == len(expected)
    data = (tmp_path / shard.file).read_bytes()
    assert data[:4] == b"IMPR"
    header = np.frombuffer(data[:1024], "<i4")
    assert header[:4].tolist() == [0x52504D49, 1, len(expected), 2]
    assert header[4:12].tobytes().hex() == BPE.digest
    assert not header[12:].any()
    assert np.frombuffer(data[1024:], "<u2").tolist() == expected


def test_the_same_documents_give_the_same_bytes(tmp_path):
    documents = [
        document(n, f"the sun {n}", anchor_offsets=(0, 4), anchor_seconds=(0.0, n * 1.0))
        for n in range(30)
    ]
    first = sharded(tmp_path / "a", documents)
    second = sharded(tmp_path / "b", documents[::-1])
    assert first.manifest == second.manifest
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(
        name for shard in first.manifest.shards for name in (shard.file, shard.anchors_file)
    )
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_document_longer_than_a_piece_is_whole(tmp_path):
    text = "the sun and the möön and the stars\n" * (3 * PIECE_CHARACTERS // 30)
    made = sharded(tmp_path, [document(1, text)])
    assert dict(read_documents(tmp_path, made.manifest, BPE)) == {"v1": text}
    tokens = open_shard(tmp_path / made.manifest.shards[0].file, BPE.digest)
    assert tokens[:-1].tolist() == BPE.encode(text)


def test_a_lone_surrogate_becomes_a_mark_and_the_shard_is_written(tmp_path):
    made = sharded(tmp_path, [document(1, "sun \ud83d moon")])
    assert dict(read_documents(tmp_path, made.manifest, BPE)) == {"v1": "sun \ufffd moon"}


def test_a_vocabulary_beyond_65536_ids_takes_four_bytes(tmp_path):
    path = tmp_path / "big.json"
    path.write_text('{"a": 0, "b": 70000}')
    tokenizer = make_tokenizer("json", [], path=path)
    made = sharded(tmp_path, [document(1, "abba")], tokenizer)
    tokens = open_shard(tmp_path / made.manifest.shards[0].file, tokenizer.digest)
    assert (tokens.dtype, tokens.tolist()) == (np.uint32, [0, 70000, 70000, 0, 70001])
    assert dict(read_documents(tmp_path, made.manifest, tokenizer)) == {"v1": "abba"}
    with pytest.raises(TokenizerError, match="uint16"):
        write_nanogpt(tmp_path, made.manifest, tmp_path / "out")
    assert (token_type(65536), token_type(65537)) == ("uint16", "uint32")


def test_a_shard_made_by_another_tokenizer_is_refused(tmp_path):
    other = train_tokenizer(["quite other words"], vocab_size=290)
    made = sharded(tmp_path, [document(1, "the sun")])
    path = tmp_path / made.manifest.shards[0].file
    with pytest.raises(TokenizerError) as caught:
        open_shard(path, other.digest)
    for part in (str(path), BPE.digest, other.digest, "token_shards"):
        assert part in str(caught.value)
    with pytest.raises(TokenizerError, match="made by tokenizer"):
        list(read_documents(tmp_path, made.manifest, other))
    assert len(open_shard(path, None)) == made.manifest.shards[0].num_tokens


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "no shard"),
        (lambda data: b"PK" + data[2:], "no shard"),
        (lambda data: data[:4] + b"\x09" + data[5:], "version 9"),
        (lambda data: data[:12] + b"\x03" + data[13:], "3 bytes"),
        (lambda data: data[:-1], "cut or changed"),
        (lambda data: data + b"\0", "cut or changed"),
        (lambda data: data[:600], "cut or changed"),
    ],
)
def test_a_broken_shard_is_refused_by_name(tmp_path, change, message):
    path = one_shard(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptFile, match=message) as caught:
        open_shard(path, BPE.digest)
    assert str(path) in str(caught.value)


def test_a_missing_shard_is_refused_by_name(tmp_path):
    with pytest.raises(MissingFile, match=r"gone\.bin"):
        open_shard(tmp_path / "gone.bin", BPE.digest)


def test_an_opened_shard_cannot_be_written(tmp_path):
    tokens = open_shard(one_shard(tmp_path), BPE.digest)
    with pytest.raises(ValueError, match="read-only"):
        tokens[0] = 1


@pytest.mark.parametrize(
    "given_texts", [{}, {1: "a"}, {2: "b", 1: "a"}, {1: "a", 2: ""}, {1: "a", 2: "b", 3: "c"}]
)
def test_other_documents_than_planned_are_refused_and_leave_nothing(tmp_path, given_texts):
    (plan,) = planned([document(1, "a"), document(2, "b")])
    assert plan.video_ids == ("v1", "v2")
    with pytest.raises(ValueError, match="planned"):
        write_shard(tmp_path, plan, [document(n, t) for n, t in given_texts.items()], BPE)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    (plan,) = planned([document(1, "a")])
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match=plan.file):
        write_shard(tmp_path / "taken", plan, [document(1, "a")], BPE)


@pytest.mark.parametrize(
    ("offsets", "seconds"), [((0, 5, 3), (0.0, 1.0, 2.0)), ((0, 99), (0.0, 1.0)), ((0,), ())]
)
def test_anchors_that_do_not_rise_within_the_text_are_refused(tmp_path, offsets, seconds):
    wrong = structs.replace(document(1, "the sun"), anchor_offsets=offsets, anchor_seconds=seconds)
    (plan,) = planned([wrong])
    with pytest.raises(ValueError, match="do not rise within its 7 characters"):
        write_shard(tmp_path, plan, [wrong], BPE)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_documents(tmp_path):
    def peak_of(count: int) -> int:
        texts = {f"v{n}": n for n in range(count)}
        refs = [DocumentRef(video_id=i, digest="d", split="train") for i in texts]
        plan = PlannedShard(split="train", documents=tuple(refs), input_digest="ab" * 32)
        tracemalloc.start()
        write_shard(tmp_path, plan, (document(n, f"sun {n} " * 20_000) for n in range(count)), BPE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    BPE.encode_array("sun " * 200_000)  # what an encoder needs for long texts, it opens once
    assert peak_of(16) < 1.5 * peak_of(2)


def test_nanogpt_gets_raw_tokens_of_each_split_and_no_pickle(tmp_path):
    made = sharded(tmp_path, [document(n, f"the sun {n}") for n in range(200)])
    assert len(made.manifest.shards) > 2
    write_nanogpt(tmp_path, made.manifest, tmp_path / "nano")
    names = sorted(path.name for path in (tmp_path / "nano").iterdir())
    assert names == ["meta.json", "train.bin", "val.bin"]
    for split in ("train", "val"):
        tokens = np.memmap(tmp_path / "nano" / f"{split}.bin", dtype=np.uint16, mode="r")
        shards = [shard for shard in made.manifest.shards if shard.split == split]
        expected = np.concatenate([open_shard(tmp_path / s.file, None) for s in shards])
        assert tokens.tolist() == expected.tolist()
    with pytest.raises(NothingToDo):
        write_nanogpt(tmp_path, structs.replace(made.manifest, shards=()), tmp_path)
