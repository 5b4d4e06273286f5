"""Which engine encodes changes no id: gigatoken beside tiktoken, and tiktoken where they differ."""

import base64
import logging
import subprocess
import sys
import unicodedata

import pytest
import tiktoken
import tiktoken_ext.openai_public as openai
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt.bpe import PATTERN
from impressions_assets.gpt.encoder import Encoder, Scheme
from impressions_assets.gpt.tokenizer import train_tokenizer

pytest.importorskip("gigatoken", reason="the extra `fast` is not installed")

BYTES = {bytes([byte]): byte for byte in range(256)}
# Two neighbours are one token where the pattern does not cut between them: ids tell.
EDGES = [*b" \n\r\t'.,aBst129", *range(0xC2, 0xF5)]  # the last ones begin a character
PAIRS = BYTES | {
    bytes(pair): 256 + number
    for number, pair in enumerate([(a, b) for a in range(256) for b in EDGES])
}


CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_END}|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_END}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SCHEMES: dict[str, tuple[str, Scheme]] = {
    "bpe": (PATTERN, "olmo3"),
    "gpt2": (openai.r50k_pat_str, "gpt2"),
    "cl100k_base": (CL100K, "gpt4"),
    "o200k_base": (O200K, "o200k"),
}


def encoder_of(pattern: str, scheme: Scheme, ranks=PAIRS, name="pairs") -> Encoder:
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items())
    encoder = Encoder(encoding, b"".join(lines), scheme, worth_characters=0)
    encoder.ids("opens it")
    return encoder


@pytest.fixture(scope="module", params=SCHEMES)
def encoder(request) -> Encoder:
    return encoder_of(*SCHEMES[request.param])


TEXTS = st.text() | st.text(st.sampled_from("aB1 \n\r\t'sé.<|½汉🎙\u0301\u088f"), max_size=40)


@given(TEXTS)
def test_gigatoken_gives_the_ids_of_tiktoken(encoder: Encoder, text: str):
    assert encoder.engine == "gigatoken"
    assert encoder.ids(text).tolist() == encoder._slow.encode_ordinary(text)


@pytest.mark.slow
def test_no_code_point_is_cut_otherwise(encoder: Encoder):
    chars = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    for start in range(0, len(chars), 500):
        some = chars[start : start + 500]
        text = "".join(f"a{c}b 1{c}2{c}{c}.{c}. {c} {c}\n{c}A'{c}s\n\n{c}  {c}" for c in some)
        ids = encoder.ids(text).tolist()
        assert ids == encoder._slow.encode_ordinary(text), f"in {start:#x}, {some[0]}-{some[-1]}"


def test_a_character_that_came_after_tiktokens_unicode_goes_to_tiktoken():
    """U+088F is a letter of Unicode 17: gigatoken joins it to its like, tiktoken does not."""
    encoder, text = encoder_of(PATTERN, "olmo3"), "a\u088f\u088f b"
    assert encoder._fast.encode(text).tolist() != encoder._slow.encode_ordinary(text)
    assert encoder.ids(text).tolist() == encoder._slow.encode_ordinary(text)


def test_where_ids_differ_tiktoken_goes_on_and_it_is_said_once(caplog):
    with caplog.at_level(logging.WARNING):
        encoders = [encoder_of(PATTERN, "gpt4", name="other-spaces") for _ in range(2)]
    assert [encoder.engine for encoder in encoders] == ["tiktoken"] * 2
    assert encoders[0].ids("x  \n  ").tolist() == encoders[0]._slow.encode_ordinary("x  \n  ")
    (said,) = [r.getMessage() for r in caplog.records if "other-spaces" in r.getMessage()]
    assert "tiktoken goes on" in said


def test_a_prompt_does_not_open_it_and_a_corpus_does():
    tokenizer = train_tokenizer(["the sun and the moon " * 9], vocab_size=300)
    assert tokenizer.encode("the sun") == tokenizer.encode_array("the sun").tolist()
    assert tokenizer._encoder.engine == "tiktoken"
    before = tokenizer.encode("the sun and é " * 5000)
    tokenizer.encode_array("the sun and the moon " * 30_000)
    assert tokenizer._encoder.engine == "gigatoken"
    assert tokenizer.encode("the sun and é " * 5000) == before


MEMORY_OF_RANDOM_LETTERS = """
import numpy as np, sys
from impressions_assets.gpt.tokenizer import train_tokenizer
tokenizer, random = train_tokenizer([]), np.random.default_rng(0)
for _ in range(60):
    letters = bytes(random.integers(97, 123, 1_000_000, dtype=np.uint8))
    text = b" ".join(letters[i : i + 9] for i in range(0, len(letters), 9)).decode()
    tokenizer.encode_array(text)
(line,) = (l for l in open("/proc/self/status") if l.startswith("VmHWM"))
print(tokenizer._encoder.engine, int(line.split()[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory from /proc")
def test_words_never_met_before_do_not_fill_the_memory():
    """Kept open, gigatoken held 700 MB of 60 MB."""
    command = [sys.executable, "-c", MEMORY_OF_RANDOM_LETTERS]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert said[0] == "gigatoken"
    assert int(said[1]) < 500
