"""nanoGPT's files become shards: with their meta or GPT-2's ids, and no pickle runs anything."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from impressions_assets.errors import CorruptFile, MissingFile, NothingToDo, TokenizerError
from impressions_assets.gpt.data import open_data
from impressions_assets.gpt.manifest import read_manifest
from impressions_assets.gpt.nanogpt import read_nanogpt, write_nanogpt
from impressions_assets.gpt.tokenizer import load_tokenizer, train_tokenizer
from impressions_assets_tests.gpt.conftest import SHORT, SMALL, weather

TEXT = " ".join(weather(number) for number in range(8))
CHARACTERS = sorted(set(TEXT))
STOI = {character: index for index, character in enumerate(CHARACTERS)}
META = {"vocab_size": len(STOI), "itos": dict(enumerate(CHARACTERS)), "stoi": STOI}


def prepared(folder: Path, meta: object = META) -> Path:
    """Write what nanoGPT's data/shakespeare_char/prepare.py writes."""
    folder.mkdir()
    ids = np.array([STOI[character] for character in TEXT], dtype=np.uint16)
    cut = len(ids) * 9 // 10
    ids[:cut].tofile(folder / "train.bin")
    ids[cut:].tofile(folder / "val.bin")
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta))
    return folder


def test_what_prepare_wrote_is_read_as_it_is(tmp_path: Path):
    tokenizer = read_nanogpt(prepared(tmp_path / "data"), tmp_path / "out")
    data = open_data(tmp_path / "out" / "shards")
    streams = [data.train, data.val]
    ids = np.concatenate([stream.at(np.arange(len(stream))) for stream in streams])
    assert tokenizer.decode(ids) == TEXT
    assert tokenizer.encode("the sky?") == [*map(STOI.get, "the sky"), len(STOI) + 1]
    assert data.train_bytes + data.val_bytes == len(TEXT)
    saved = load_tokenizer(tmp_path / "out" / "tokenizer")
    assert saved.digest == data.manifest.tokenizer == tokenizer.digest
    before = (tmp_path / "out" / "shards" / "manifest.json").read_bytes()
    read_nanogpt(tmp_path / "data", tmp_path / "out")
    assert (tmp_path / "out" / "shards" / "manifest.json").read_bytes() == before


def test_a_model_trains_on_them(tmp_path: Path):
    from impressions_assets.gpt.run import TrainingRun
    from impressions_assets_tests.gpt.driving import trained

    read_nanogpt(prepared(tmp_path / "data"), tmp_path / "out")
    result = trained(
        TrainingRun(
            shards_dir=tmp_path / "out" / "shards",
            tokenizer_dir=tmp_path / "out" / "tokenizer",
            model=SMALL,
            train=SHORT.model_copy(update={"max_iters": 2}),
        )
    )
    assert result.steps == 2
    assert result.val_bits_per_byte > 0


def test_what_we_export_is_read_again_with_its_tokenizer_beside_it(tmp_path: Path, corpus):
    write_nanogpt(corpus.shards_dir, read_manifest(corpus.shards_dir), tmp_path / "data")
    with pytest.raises(TokenizerError, match=r"meta\.json: it has no `stoi`.*tokenizer/"):
        read_nanogpt(tmp_path / "data", tmp_path / "out")
    corpus.tokenizer.save(tmp_path / "data" / "tokenizer")
    assert read_nanogpt(tmp_path / "data", tmp_path / "out").digest == corpus.tokenizer.digest
    ours, theirs = open_data(corpus.shards_dir), open_data(tmp_path / "out" / "shards")
    assert len(ours.train) == len(theirs.train)
    assert ours.train_bytes == theirs.train_bytes


def test_a_meta_in_json_does_as_well_and_its_tokens_may_be_longer(tmp_path: Path):
    data = prepared(tmp_path / "data")
    (data / "meta.json").write_text(json.dumps({"stoi": STOI | {" the ": len(STOI)}}))
    tokenizer = read_nanogpt(data, tmp_path / "out")
    assert (tokenizer.kind, tokenizer.encode("a the e")) == (
        "json",
        [STOI["a"], len(STOI), STOI["e"]],
    )


def test_without_a_meta_the_ids_are_those_of_gpt2(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a closed port: no network
    monkeypatch.delenv("NO_PROXY", raising=False)
    (prepared(tmp_path / "data") / "meta.pkl").unlink()
    with pytest.raises(TokenizerError, match="tokenizer gpt2.*TIKTOKEN_CACHE_DIR"):
        read_nanogpt(tmp_path / "data", tmp_path / "out")


class Hostile:
    def __reduce__(self):
        return os.mkdir, (os.environ["HOSTILE"],)


def test_a_meta_that_would_run_something_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOSTILE", str(tmp_path / "made"))
    data = prepared(tmp_path / "data", {"stoi": STOI, "more": Hostile()})
    with pytest.raises(TokenizerError, match=r"meta\.pkl: it asks for posix\.mkdir"):
        read_nanogpt(data, tmp_path / "out")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps(META)[:-9], pickle.dumps([1])])
def test_a_meta_that_is_none_is_refused_by_name(tmp_path: Path, data: bytes):
    (prepared(tmp_path / "data") / "meta.pkl").write_bytes(data)
    with pytest.raises(TokenizerError, match=r"meta\.pkl"):
        read_nanogpt(tmp_path / "data", tmp_path / "out")


def test_files_that_are_no_tokens_are_refused_by_name(tmp_path: Path):
    data = prepared(tmp_path / "data")
    (data / "val.bin").write_bytes(b"abc")
    with pytest.raises(CorruptFile, match=r"val\.bin: it has 3 bytes, an odd number"):
        read_nanogpt(data, tmp_path / "out")
    np.array([1, 2, 999], dtype=np.uint16).tofile(data / "val.bin")
    with pytest.raises(TokenizerError, match=r"val\.bin: it holds id 999.*meta"):
        read_nanogpt(data, tmp_path / "out")
    (data / "train.bin").write_bytes(b"")
    with pytest.raises(NothingToDo, match=r"train\.bin is empty"):
        read_nanogpt(data, tmp_path / "out")
    (data / "train.bin").unlink()
    with pytest.raises(MissingFile, match=r"no train\.bin"):
        read_nanogpt(data, tmp_path / "out")


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_without_validation_tokens_it_is_training_alone(tmp_path: Path, change):
    data = prepared(tmp_path / "data")
    change(data / "val.bin")
    read_nanogpt(data, tmp_path / "out")
    opened = open_data(tmp_path / "out" / "shards")
    assert not opened.can_evaluate
    assert len(opened.train) > 0


def test_ids_of_four_bytes_fit_where_the_vocabulary_has_more(tmp_path: Path):
    """A tokenizer of over 65,536 ids, whose tokens here all happen to be small."""
    data = prepared(tmp_path / "data", {"stoi": STOI | {"\u4e00": 70_000}})
    read_nanogpt(data, tmp_path / "out")
    stream = open_data(tmp_path / "out" / "shards").train
    assert (
        load_tokenizer(tmp_path / "out" / "tokenizer").decode(stream.at(np.arange(9))) == TEXT[:9]
    )
    assert train_tokenizer([TEXT], "characters").vocab_size == len(STOI) + 2
