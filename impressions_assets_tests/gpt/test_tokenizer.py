"""Every kind of tokenizer: round trips, special tokens, saving, and what is said of a bad one."""

import inspect
import json
import subprocess
import sys
from hashlib import sha1
from pathlib import Path

import numpy as np
import pytest
import tiktoken
import tiktoken_ext.openai_public as openai
from hypothesis import given, settings
from hypothesis import strategies as st

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.bpe import NAMED_FILES, PATTERN, BPETokenizer, bpe_of_encoding
from impressions_assets.gpt.symbols import SymbolTokenizer
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer, make_tokenizer
from impressions_assets.gpt.tokenizer import train_tokenizer as train
from impressions_assets.gpt.vocabulary import PIECE_CHARACTERS, UNKNOWN, pieces

TEXTS = [
    "The loss fell, and the model spoke. It's the model that speaks.\n",
    "Wie klingt ein Kanal? Über Töne, Wörter und 12345 Zahlen.\n\n  Ende 🎙️",
]
BPE = train(TEXTS, vocab_size=300)
WORDS = train(TEXTS, "words", vocab_size=100)
CHARACTERS = train(TEXTS, "characters")
MARKED = train(TEXTS, "words", vocab_size=100, unknown_words="mark")
JSON = SymbolTokenizer(
    "json", {"a": 0, "ab": 1, " The": 3, "ö": 9}, {"<|endoftext|>": 5, UNKNOWN: 7}
)


def named(kind: str) -> BPETokenizer:
    """A small vocabulary under the pattern of one of OpenAI's, by tiktoken and by gigatoken."""
    encoding = tiktoken.Encoding(
        kind,
        pat_str=openai.r50k_pat_str,
        mergeable_ranks={bytes([byte]): byte for byte in range(256)} | {b" t": 256, b"  ": 257},
        special_tokens={"<|endoftext|>": 258},
    )
    tokenizer = bpe_of_encoding(kind, encoding)
    tokenizer.encode_array(
        "\n the  sun" * 60_000
    )  # so much that gigatoken is opened, if it is there
    return tokenizer


NAMED = named("gpt2")
KINDS = pytest.mark.parametrize(
    "tokenizer",
    [BPE, NAMED, CHARACTERS, WORDS, MARKED, JSON],
    ids=["bpe", "gpt2", "characters", "words", "marked words", "json"],
)


def json_tokenizer(folder: Path, vocabulary: object) -> Tokenizer:
    path = folder / "vocabulary.json"
    path.write_text(json.dumps(vocabulary))
    return make_tokenizer("json", [], path=path)


@pytest.mark.parametrize("tokenizer", [BPE, NAMED], ids=["bpe", "gpt2"])
@given(text=st.text())
def test_bpe_gives_back_any_text(tokenizer: Tokenizer, text: str):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@KINDS
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_comes_back_but_for_what_is_unknown(tokenizer: Tokenizer, text: str):
    """Each stretch that is decoded to a mark was unknown; all between the marks is the text."""
    ids = tokenizer.encode(text)
    assert ids == tokenizer.encode_array(text).tolist()
    assert all(0 <= index < tokenizer.vocab_size for index in ids)
    assert tokenizer.end_of_text not in ids
    valid = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    begun = tokenizer.characters_begun(valid, np.array(ids, dtype=np.int64))
    assert begun.sum() == len(text)
    place = 0
    for index, count in zip(ids, begun.tolist(), strict=True):
        said = tokenizer.decode([index])
        if tokenizer not in (BPE, NAMED):  # a token of theirs may be a part of a character
            assert said in ("\ufffd", valid[place : place + count])
        place += count
    if tokenizer in (BPE, NAMED):
        assert tokenizer.decode(ids) == valid


def test_an_unknown_word_is_marked_or_spelled_as_its_tokenizer_was_made(tmp_path: Path):
    text = "The zebra, spoke."
    assert MARKED.decode(MARKED.encode(text)) == "The \ufffd, spoke."
    assert len(MARKED.encode("zebra")) == 1
    assert WORDS.decode(WORDS.encode("eat")) == "eat"
    MARKED.save(tmp_path)
    assert load_tokenizer(tmp_path).encode(text) == MARKED.encode(text)
    assert load_tokenizer(tmp_path).digest == MARKED.digest != WORDS.digest


def test_a_tokenizer_saved_before_words_could_be_marked_has_its_digest_still(tmp_path: Path):
    WORDS.save(tmp_path)
    assert "unknown_words" not in (tmp_path / "tokenizer.json").read_text()
    assert train(["a b"], "words", 9).digest.startswith("6ced2c9abeb44735")


@pytest.mark.parametrize("tokenizer", [CHARACTERS, WORDS, BPE], ids=lambda t: t.kind)
def test_the_text_it_was_trained_on_comes_back(tokenizer: Tokenizer):
    assert [tokenizer.decode(tokenizer.encode(text)) for text in TEXTS] == TEXTS


@given(st.text())
def test_an_unknown_character_becomes_one_mark_and_all_others_stay(text: str):
    known = set("".join(TEXTS))
    expected = "".join(c if c in known else "\ufffd" for c in text)
    assert CHARACTERS.decode(CHARACTERS.encode(text)) == expected
    assert WORDS.decode(WORDS.encode(text)) == expected


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from([BPE, CHARACTERS, WORDS]))
def test_token_lengths_sum_to_the_bytes_of_the_decoded_text(text: str, tokenizer: Tokenizer):
    ids = tokenizer.encode(text)
    decoded = tokenizer.decode(ids)
    assert len(decoded) == len(text)
    assert tokenizer.token_lengths()[ids].sum() == len(decoded.encode())
    assert b"".join(map(tokenizer.token_bytes, ids)).decode() == decoded


def test_a_lone_surrogate_is_replaced():
    assert BPE.decode(BPE.encode("a\ud800b")) == "a\ufffdb"
    assert train(["a\udfffb"]).decode(train(["a\udfffb"], "characters").encode("")) == ""


@KINDS
def test_text_that_looks_like_a_special_token_is_text(tokenizer: Tokenizer):
    ids = tokenizer.encode("<|endoftext|>")
    assert tokenizer.end_of_text not in ids
    assert len(ids) > 1


def test_special_and_padding_ids_hold_no_text_and_do_not_stop_decoding():
    assert BPE.vocab_size % 128 == 0
    assert BPE.vocab_size - 1 > BPE.end_of_text
    ids = [*BPE.encode("one"), BPE.end_of_text, BPE.vocab_size - 1, *BPE.encode(" two")]
    assert BPE.decode(ids) == "one two"
    assert BPE.token_lengths()[BPE.end_of_text] == 0


@pytest.mark.parametrize("wrong", [BPE.vocab_size, -1])
def test_an_id_outside_of_the_vocabulary_is_refused(wrong: int):
    with pytest.raises(TokenizerError, match=f"id {wrong}.*{BPE.vocab_size} ids"):
        BPE.decode([0, wrong])


def test_decoding_takes_arrays_and_cut_characters():
    ids = np.array(BPE.encode("é"), dtype=np.uint16)
    assert BPE.decode(ids) == "é"
    assert train([]).decode(train([]).encode("é")[:1]) == "\ufffd"


def test_bpe_merges_what_is_frequent():
    assert len(BPE.encode(" model")) == 1
    assert len(BPE.encode(" model")) < len(train([]).encode(" model"))


@pytest.mark.parametrize("texts", [[], [""], ["a"], ["aa aa"]])
def test_a_tiny_corpus_makes_a_small_vocabulary(texts: list[str]):
    assert train(texts).vocab_size == 384
    assert train(texts).decode(train(texts).encode("any text")) == "any text"
    assert train(texts, "words").decode(train(texts, "words").encode("b")) == "\ufffd"


def test_the_vocabulary_asked_for_is_an_upper_bound():
    corpus = [sha1(b"%d" % number).hexdigest() for number in range(2000)]
    assert train(corpus, vocab_size=512).vocab_size == 512
    assert train(corpus, "words", vocab_size=100).vocab_size == 100
    with pytest.raises(TokenizerError, match="257"):
        train(corpus, vocab_size=256)


TRAIN_IN_A_NEW_PROCESS = """
from impressions_assets.gpt.tokenizer import train_tokenizer
texts = [f"{i} fish, {i * 31 % 97} birds\\n" for i in range(3000)]
print([train_tokenizer(texts, kind, 600).digest for kind in ("bpe", "words", "characters")])
"""


def test_the_same_texts_give_the_same_tokenizer_in_every_process():
    commands = [[sys.executable, "-c", TRAIN_IN_A_NEW_PROCESS] for _ in range(2)]
    digests = {subprocess.run(c, capture_output=True, check=True).stdout for c in commands}
    assert len(digests) == 1


@pytest.mark.parametrize("kind", ["bpe", "words", "characters"])
def test_the_order_of_the_texts_does_not_matter(kind):
    texts = [sha1(b"%d" % number).hexdigest() for number in range(300)]
    assert train(texts[::-1], kind, 600).digest == train(texts, kind, 600).digest


@KINDS
def test_a_saved_tokenizer_is_the_same_when_loaded(tokenizer: Tokenizer, tmp_path: Path):
    tokenizer.save(tmp_path / "a")
    loaded = load_tokenizer(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert loaded.digest == tokenizer.digest
    assert (loaded.kind, loaded.vocab_size) == (tokenizer.kind, tokenizer.vocab_size)
    assert loaded.encode(TEXTS[1] + "新") == tokenizer.encode(TEXTS[1] + "新")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
        file.read_bytes().decode("ascii")


@pytest.mark.parametrize("file", ["tokenizer.json", "ranks.tiktoken"])
def test_a_changed_file_is_refused_by_name(file: str, tmp_path: Path):
    BPE.save(tmp_path)
    data = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(data.replace(b"1", b"2", 1))
    with pytest.raises(TokenizerError, match=file):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("file", ["tokenizer.json", "ranks.tiktoken"])
def test_a_missing_or_cut_file_is_refused_by_name(file: str, tmp_path: Path):
    BPE.save(tmp_path)
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:50])
    with pytest.raises(TokenizerError, match=file):
        load_tokenizer(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(TokenizerError, match=file):
        load_tokenizer(str(tmp_path))


def test_a_named_vocabulary_that_cannot_be_had_says_which_file_goes_where(tmp_path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a closed port: no network
    monkeypatch.delenv("NO_PROXY", raising=False)
    for name in NAMED_FILES:
        with pytest.raises(TokenizerError, match="TIKTOKEN_CACHE_DIR") as caught:
            load_tokenizer(name)
        for url in NAMED_FILES[name]:
            assert sha1(url.encode()).hexdigest() in str(caught.value)


def test_the_named_files_are_those_that_tiktoken_asks_for():
    for name, urls in NAMED_FILES.items():
        source = inspect.getsource(openai.ENCODING_CONSTRUCTORS[name])
        assert all(url in source for url in urls)


def test_a_tiktoken_encoding_with_gaps_can_be_saved_and_loaded(tmp_path: Path):
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"th": 256}
    specials = {"<|endoftext|>": 260, "<|fim|>": 270}  # cl100k_base has such gaps
    encoding = tiktoken.Encoding(
        "cl100k_base", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens=specials
    )
    bpe_of_encoding("cl100k_base", encoding).save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert (loaded.kind, loaded.vocab_size, loaded.end_of_text) == ("cl100k_base", 271, 260)
    assert loaded.encode("the<|fim|>") == encoding.encode_ordinary("the<|fim|>")
    assert loaded.decode([256, 258, 270, 101]) == "the"


def test_json_takes_the_longest_token_that_fits(tmp_path: Path):
    tokenizer = json_tokenizer(tmp_path, {"a": 0, "ab": 1, "abc": 7, " c": 3, "<|endoftext|>": 5})
    assert tokenizer.encode("abcab ca") == [7, 1, 3, 0]
    assert (tokenizer.end_of_text, tokenizer.vocab_size) == (5, 9)
    assert tokenizer.decode(tokenizer.encode("ab?<|endoftext|>")) == "ab\ufffd" + "\ufffd" * 5 + (
        "\ufffd" * 3 + "\ufffd" * 5
    )
    tokenizer.save(tmp_path / "saved")
    assert load_tokenizer(tmp_path / "saved").digest == tokenizer.digest


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ([1, 2], "object"),
        ({}, "object"),
        ({"a": "0"}, "'a'"),
        ({"a": True}, "'a'"),
        ({"a": -1}, "'a'"),
        ({"a": 1 << 40}, "'a'"),
        ({"": 1}, "''"),
        ({"a": 1, "b": 1}, "'a' and 'b' both have id 1"),
    ],
)
def test_a_json_vocabulary_that_makes_no_sense_is_refused(tmp_path, vocabulary, message):
    with pytest.raises(TokenizerError, match=message):
        json_tokenizer(tmp_path, vocabulary)


def test_a_json_vocabulary_needs_its_file(tmp_path: Path):
    with pytest.raises(TokenizerError, match="path"):
        make_tokenizer("json", [])
    with pytest.raises(TokenizerError, match=r"none\.json"):
        make_tokenizer("json", [], path=tmp_path / "none.json")


@pytest.mark.parametrize("run", [" ", "\n", "a", "!", "汉"])
def test_a_million_of_one_character_is_encoded(run: str):
    """tiktoken's engine overflows its stack on a million spaces given at once."""
    text = run * 1_000_000 + "end"
    assert BPE.decode(BPE.encode(text)) == text


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([*TEXTS, "x", " ", "\n", "/\n/"]), min_size=1))
def test_long_text_is_cut_where_no_token_is_lost(parts: list[str]):
    text = "".join(parts) * (4 * PIECE_CHARACTERS // len("".join(parts)))
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= PIECE_CHARACTERS
    assert [list(pieces(piece)) for piece in cut] == [[piece] for piece in cut]


GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
PARAGRAPHS = pytest.mark.parametrize(
    "paragraph", ["".join(TEXTS), "ab\n\nab ab\n", "ab ab.\n\nab\n", "ab  ab\nab.  "]
)


@PARAGRAPHS
@pytest.mark.parametrize("pattern", [PATTERN, GPT2_PATTERN], ids=["ours", "gpt2"])
def test_cut_text_has_the_tokens_of_uncut_text(pattern: str, paragraph: str):
    """GPT-2's pattern takes a run of line ends whole only where the text ends."""
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"\n\n": 256, b" a": 257, b" ab": 258}
    encoding = tiktoken.Encoding(
        "gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 300}
    )
    text = paragraph * (PIECE_CHARACTERS * 11 // 10 // len(paragraph))
    for shift in range(len(paragraph) if len(paragraph) < 20 else 1):
        shifted = "." * shift + text
        cut = bpe_of_encoding("gpt2", encoding).encode(shifted)
        assert cut == encoding.encode_ordinary(shifted)


@PARAGRAPHS
def test_cut_text_has_the_words_of_uncut_text(paragraph: str):
    text = paragraph * (4 * PIECE_CHARACTERS // len(paragraph))
    joined = [token for piece in pieces(text) for token in WORDS.encode(piece)]
    assert joined == WORDS.encode(text)
