"""Byte-level BPE: trained here with `tokenizers`, or one of OpenAI's, and run by tiktoken.

Notable choices: tiktoken encodes 6-9 times faster than `tokenizers` and gives the same ids, and
gigatoken faster still (`encoder.py`). The pattern is OLMo 3's, which gigatoken knows: digits in
threes made 0.01% more tokens of plays, 0.1% fewer of lectures, than nanochat's pairs. Text of any
kind has an encoding, since all 256 bytes are tokens. Vocabularies that we train are padded to a
multiple of 128, a shape that matrix units like; OpenAI's keep their own size. rustbpe trains three
times faster than `tokenizers` and finds the same tokens, but numbers some of them otherwise: a
channel's ids would hang on what is installed.
"""

import base64
from collections.abc import Iterable, Iterator
from hashlib import sha1
from pathlib import Path

import numpy as np
import tiktoken
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.encoder import Encoder, Ids, Scheme
from impressions_assets.gpt.vocabulary import (
    END_OF_TEXT,
    Card,
    VocabularyTokenizer,
    pieces,
    read_saved,
    valid_text,
)

PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
PADDING = 128

_OPENAI = "https://openaipublic.blob.core.windows.net/"
NAMED_FILES = {
    "gpt2": (
        f"{_OPENAI}gpt-2/encodings/main/vocab.bpe",
        f"{_OPENAI}gpt-2/encodings/main/encoder.json",
    ),
    "cl100k_base": (f"{_OPENAI}encodings/cl100k_base.tiktoken",),
    "o200k_base": (f"{_OPENAI}encodings/o200k_base.tiktoken",),
}
_SCHEMES: dict[str, Scheme] = {"gpt2": "gpt2", "cl100k_base": "gpt4", "o200k_base": "o200k"}


class BPETokenizer(VocabularyTokenizer):
    """Byte-level BPE by ranks: the pair of lowest rank is merged first."""

    def __init__(
        self,
        kind: str,
        ranks: dict[bytes, int],
        specials: dict[str, int],
        *,
        pattern: str = PATTERN,
        padding: int = 1,
    ) -> None:
        num_ids = max(*ranks.values(), *specials.values()) + 1
        card = Card(
            kind=kind,
            vocab_size=-(-num_ids // padding) * padding,
            specials=specials,
            pattern=pattern,
            vocabulary_file="ranks.tiktoken",
            vocabulary_sha256="",
        )
        self.ranks = ranks
        vocabulary = _ranks_text(ranks)
        super().__init__(card, vocabulary, {rank: token for token, rank in ranks.items()})
        encoding = tiktoken.Encoding(
            kind, pat_str=pattern, mergeable_ranks=ranks, special_tokens=specials
        )
        scheme = "olmo3" if pattern == PATTERN else _SCHEMES.get(kind)
        self._encoder = Encoder(encoding, vocabulary, scheme if _has_no_gap(ranks) else None)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text; text that looks like a special token is text."""
        ids: list[int] = self.encode_array(text).tolist()
        return ids

    def encode_array(self, text: str) -> Ids:
        """Return the ids of the text as an array, shape (num_tokens,)."""
        found = [self._encoder.ids(piece) for piece in pieces(valid_text(text))]
        return found[0] if len(found) == 1 else np.concatenate([np.empty(0, np.uint32), *found])


def train_bpe(texts: Iterable[str], vocab_size: int) -> BPETokenizer:
    """Train on the texts; `vocab_size` counts all 256 bytes and `<|endoftext|>`.

    The same texts give the same bytes. A small corpus ends with fewer merges than asked.
    """
    if vocab_size < 257:
        raise TokenizerError(
            f"cannot train a bpe tokenizer with vocab_size {vocab_size}: it needs 256 bytes and "
            f"{END_OF_TEXT}, so 257 at least"
        )
    ranks = _learned_ranks(texts, vocab_size - 1)
    return BPETokenizer("bpe", ranks, {END_OF_TEXT: len(ranks)}, padding=PADDING)


def named_bpe(name: str) -> BPETokenizer:
    """Return gpt2, cl100k_base or o200k_base, which tiktoken downloads once and caches."""
    try:
        encoding = tiktoken.get_encoding(name)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise TokenizerError(_how_to_get(name, error)) from error
    return bpe_of_encoding(name, encoding)


def bpe_of_encoding(kind: str, encoding: tiktoken.Encoding) -> BPETokenizer:
    """Return a tiktoken encoding as a tokenizer that can be saved."""
    return BPETokenizer(
        kind,
        encoding._mergeable_ranks,
        dict(encoding._special_tokens),
        pattern=encoding._pat_str,
    )


def load_bpe(folder: Path) -> BPETokenizer:
    """Return a BPE tokenizer saved before."""
    card, vocabulary = read_saved(folder)
    padding = PADDING if card.kind == "bpe" else 1
    ranks = {
        base64.b64decode(token): int(rank)
        for token, _, rank in (line.partition(b" ") for line in vocabulary.splitlines())
    }
    return BPETokenizer(card.kind, ranks, card.specials, pattern=card.pattern, padding=padding)


def _learned_ranks(texts: Iterable[str], num_tokens: int) -> dict[bytes, int]:
    trainee = Tokenizer(models.BPE())
    trainee.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=num_tokens, initial_alphabet=alphabet, special_tokens=[], show_progress=False
    )
    trainee.train_from_iterator(_training_pieces(texts), trainer)
    letters = bytes_of_letters()
    return {
        bytes(letters[letter] for letter in token): rank
        for token, rank in trainee.get_vocab().items()
    }


def _training_pieces(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from pieces(valid_text(text))


def bytes_of_letters() -> dict[str, int]:
    """Return GPT-2's alphabet, which writes each byte as a printable letter."""
    printable = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + index): byte for index, byte in enumerate(hidden)}


def _has_no_gap(ranks: dict[bytes, int]) -> bool:
    return set(ranks.values()) == set(range(len(ranks)))


def _ranks_text(ranks: dict[bytes, int]) -> bytes:
    """Return the ranks in tiktoken's own file format: base64 and rank, a token a line."""
    rising = sorted(ranks.items(), key=lambda item: item[1])
    return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in rising)


def _how_to_get(name: str, error: Exception) -> str:
    files = "; ".join(f"{url} as {sha1(url.encode()).hexdigest()}" for url in NAMED_FILES[name])  # noqa: S324
    return (
        f"cannot load tokenizer {name}: tiktoken has it neither in its cache nor from the network "
        f"({type(error).__name__}). Try again with a network, or set TIKTOKEN_CACHE_DIR to a "
        f"folder and put there: {files}"
    )
