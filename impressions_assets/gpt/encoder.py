"""Texts to ids: by gigatoken where it is installed and gives tiktoken's ids, else by tiktoken.

Notable choices: gigatoken 0.10 (https://github.com/marcelroed/gigatoken) gave the same ids 14-17
times faster than tiktoken on a first pass over captions, 35 times on a second. It knows patterns by
name only, so it opens none but those that we name. To open it and prove it on a hard text takes as
long as tiktoken takes for half a million characters: it begins after as many, so that a prompt pays
nothing. It keeps every word it ever met, 12 MB for each MB of random letters: it is opened anew now
and then. Its tables are of a newer Unicode than tiktoken's, and 4,657 code points that came since
are cut otherwise: text with a code point that Python does not know goes to tiktoken.
"""

import logging
import tempfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import tiktoken

Ids = npt.NDArray[np.uint32]
Scheme = Literal["gpt2", "gpt4", "o200k", "olmo3"]

_WORTH_CHARACTERS = 500_000
_KEPT_CHARACTERS = 1 << 24
_KNOWN_CODE_POINTS = 0x20000  # beyond are ideographs so rare that they are no text of a talk
_ENDS = (
    "",
    "  \n  ",
    " \n \n\n",
    "\r\n\r\n ",
    "\t",
    "12345",
    "it's DON'T we'Re",
    "  <|endoftext|>",
)


class Encoder:
    """Encodes pieces of text with one vocabulary; which engine does it changes no id."""

    def __init__(
        self,
        encoding: tiktoken.Encoding,
        ranks: bytes,
        scheme: Scheme | None,
        worth_characters: int = _WORTH_CHARACTERS,
    ) -> None:
        """`ranks` is tiktoken's file; `scheme` what gigatoken calls the pattern, if it knows it."""
        self._slow, self._ranks, self._scheme = encoding, ranks, scheme
        self._fast: _Fast | None = None
        self._num_characters = 0
        self._next_opening = worth_characters

    @property
    def engine(self) -> Literal["tiktoken", "gigatoken"]:
        """Say who encodes most of what comes next."""
        return "gigatoken" if self._fast else "tiktoken"

    def ids(self, text: str) -> Ids:
        """Return the ids of the text; text that looks like a special token is text."""
        self._num_characters += len(text)
        if self._scheme and self._num_characters > self._next_opening:
            self._open(self._scheme)
        if self._fast and _is_known(text):
            return self._fast.encode(text)
        return self._slow.encode_to_numpy(text, disallowed_special=())

    def _open(self, scheme: Scheme) -> None:
        self._next_opening = self._num_characters + _KEPT_CHARACTERS
        is_proven = self._fast is not None
        self._fast = _opened(scheme, self._ranks)
        if self._fast and not is_proven and not _gives_same_ids(self._fast, self._slow):
            self._fast = None
        if not self._fast:
            self._scheme = None


class _Fast(Protocol):
    def encode(self, input: str) -> Ids: ...


def _opened(scheme: Scheme, ranks: bytes) -> _Fast | None:
    try:
        from gigatoken.gigatoken_rs import BPETokenizer
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(prefix="impressions-ranks-") as folder:
        path = Path(folder, "ranks.tiktoken")
        path.write_bytes(ranks)
        return BPETokenizer.from_tiktoken(path, scheme)


def _gives_same_ids(fast: _Fast, slow: tiktoken.Encoding) -> bool:
    for text in (_hard_text(), *_ENDS):
        if not np.array_equal(fast.encode(text), slow.encode_to_numpy(text, disallowed_special=())):
            _say_once(slow.name)
            return False
    return True


@cache
def _say_once(kind: str) -> None:
    logging.getLogger(__name__).warning(
        "gigatoken is installed but gives other ids than tiktoken for the %s tokenizer: tiktoken "
        "goes on, slower. Another version of gigatoken may agree",
        kind,
    )


@cache
def _hard_text() -> str:
    """Every kind of character that Python knows, before and after letters, digits and spaces."""
    letters = _categories() == "Lo"
    chosen = [*np.flatnonzero(_known() & ~letters), *np.flatnonzero(letters)[::64]]
    lines = "\n".join(f"{chr(code)}a {chr(code)}1" for code in chosen)
    return f"{lines}\n<|endoftext|> 👩‍👩‍👧‍👦🏽 e\u0301 1234567 ½¼²³  \r\n\r\n\t x  \n\n  y'LL 'tis"


@cache
def _known() -> npt.NDArray[np.bool_]:
    """Say of each code point whether this Python's Unicode has it; no text holds the last one."""
    return ~np.isin(_categories(), ("Cn", "Cs"))


@cache
def _categories() -> npt.NDArray[np.str_]:
    return np.array([unicodedata.category(chr(code)) for code in range(_KNOWN_CODE_POINTS)])


def _is_known(text: str) -> bool:
    if text.isascii():
        return True
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    return bool(_known().take(codes, mode="clip").all())
