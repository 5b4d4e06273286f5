"""What all tokenizers share: bytes for each id, a saved form of plain text, and its digest.

A saved tokenizer is a folder of two files. `tokenizer.json` is its card; the vocabulary lies beside
it in the kind's own plain text. The digest is over the card, and the card holds the sha256 of the
vocabulary, so one digest names every byte that decides how text becomes ids.

Ids that stand for no text (`<|endoftext|>`, and the padding that rounds a vocabulary up) have no
bytes: they count nothing in bits per byte, and decoding leaves them out.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.published import published

UnknownWords = Literal["characters", "mark"]

CARD = "tokenizer.json"
END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"
PIECE_CHARACTERS = 65_536

_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_CUT = re.compile(r"(?<=\S\n)(?=[^\W\d_])|(?<=[^\W\d_])(?= [^\W\d_])")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed beside the vocabulary to make the same tokenizer again."""

    kind: str
    vocab_size: int
    specials: dict[str, int]
    pattern: str = ""
    vocabulary_file: str
    vocabulary_sha256: str
    unknown_words: UnknownWords = "characters"
    digest: str = ""

    def sealed(self) -> "Card":
        """Return the card with the digest of all its other fields."""
        unsealed = msgspec.structs.replace(self, digest="")
        return msgspec.structs.replace(self, digest=_sha256(_json(unsealed)))


class VocabularyTokenizer(ABC):
    """A tokenizer made of a card, the bytes of its vocabulary file, and bytes for each id.

    An unknown character becomes one U+FFFD, and so does a word that a tokenizer of words marks.
    """

    def __init__(self, card: Card, vocabulary: bytes, token_bytes: Mapping[int, bytes]) -> None:
        self.card = msgspec.structs.replace(card, vocabulary_sha256=_sha256(vocabulary)).sealed()
        self._vocabulary = vocabulary
        self._bytes = [token_bytes.get(index, b"") for index in range(card.vocab_size)]

    @property
    def kind(self) -> str:
        """Return the kind, as channels.yaml names it."""
        return self.card.kind

    @property
    def vocab_size(self) -> int:
        """Return the number of ids, padding and gaps included."""
        return self.card.vocab_size

    @property
    def end_of_text(self) -> int:
        """Return the id that stands after each document."""
        return self.card.specials[END_OF_TEXT]

    @property
    def digest(self) -> str:
        """Return the sha256 that names this tokenizer."""
        return self.card.digest

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of the text; text that looks like a special token is text."""

    def encode_array(self, text: str) -> npt.NDArray[np.uint32]:
        """Return the ids of the text as an array, shape (num_tokens,)."""
        return np.array(self.encode(text), dtype=np.uint32)

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Return the text of the ids; bytes that are no UTF-8 (a cut character) become U+FFFD."""
        array = np.asarray(ids, dtype=np.int64)
        outside = (array < 0) | (array >= self.vocab_size)
        if outside.any():
            raise TokenizerError(
                f"cannot decode id {array[outside][0]}: the {self.kind} tokenizer "
                f"{self.digest[:16]} has {self.vocab_size} ids; were these ids made by another?"
            )
        return b"".join(map(self._bytes.__getitem__, array.tolist())).decode("utf-8", "replace")

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes that the id stands for."""
        return self._bytes[token]

    def token_lengths(self) -> npt.NDArray[np.int64]:
        """Return the number of bytes of each id, shape (vocab_size,)."""
        return self._lengths

    @cached_property
    def _lengths(self) -> npt.NDArray[np.int64]:
        lengths = np.array([len(token) for token in self._bytes], dtype=np.int64)
        lengths.flags.writeable = False
        return lengths

    def characters_begun(self, text: str, ids: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return how many characters of the text begin in each of its ids, shape (num_tokens,)."""
        return self._first_bytes.take(ids)

    @cached_property
    def _first_bytes(self) -> npt.NDArray[np.int64]:
        counts = [sum(byte & 0xC0 != 0x80 for byte in token) for token in self._bytes]
        return np.array(counts, dtype=np.int64)

    def save(self, folder: Path) -> None:
        """Write the vocabulary, then the card: a folder with a card is whole."""
        with published(folder / self.card.vocabulary_file) as file:
            file.write(self._vocabulary)
        with published(folder / CARD) as file:
            file.write(msgspec.json.format(_json(self.card), indent=2) + b"\n")


def read_saved(folder: Path) -> tuple[Card, bytes]:
    """Return the card and the vocabulary of a saved tokenizer, or say which file is wrong."""
    card = _read_card(folder / CARD)
    path = folder / card.vocabulary_file
    vocabulary = _read(path)
    if _sha256(vocabulary) != card.vocabulary_sha256:
        raise TokenizerError(
            f"cannot load tokenizer {folder}: {path} does not have the sha256 "
            f"{card.vocabulary_sha256} that {CARD} names; restore it or train the tokenizer anew"
        )
    return card, vocabulary


def valid_text(text: str) -> str:
    """Return the text with lone surrogates as U+FFFD, one for one, so that UTF-8 can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def pieces(text: str) -> Iterator[str]:
    """Cut long text where no tokenizer of ours joins two tokens, at most 65,536 characters each.

    tiktoken's regular expression engine overflows its stack, and takes the process's thread with
    it, on a run of about a million spaces; and the list of ids of a large file would be 36 bytes
    an id. Text without a letter near a line end or a space (or a JSON vocabulary with tokens of
    several words) may get another token at the cut: still the same text.
    """
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        end = start + PIECE_CHARACTERS
        cut = _SAFE_CUT.search(text, start + PIECE_CHARACTERS // 2, end)
        end = cut.start() if cut else end
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _read_card(path: Path) -> Card:
    data = _read(path)
    try:
        card = msgspec.json.decode(data, type=Card)
    except msgspec.DecodeError as error:
        raise TokenizerError(
            f"cannot load tokenizer: {path} is no tokenizer card ({error})"
        ) from error
    name = card.vocabulary_file
    if card.sealed().digest != card.digest or Path(name).name != name:
        raise TokenizerError(
            f"cannot load tokenizer: {path} does not have the digest {card.digest} that it names; "
            "restore it or train the tokenizer anew"
        )
    return card


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TokenizerError(
            f"cannot load tokenizer {path.parent}: {path} cannot be read ({error.strerror}); "
            f"expected a folder with {CARD} and its vocabulary, or a name such as gpt2"
        ) from error


def _json(card: Card) -> bytes:
    fields = msgspec.structs.asdict(card)
    if card.unknown_words == "characters":
        del fields["unknown_words"]  # tokenizers saved before it was a choice keep their digest
    return msgspec.json.encode(fields, order="sorted")


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()
