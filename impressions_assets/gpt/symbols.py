"""Tokenizers of whole symbols: characters, words, or the strings of a JSON file.

Each token is a string of text; a character that no token holds becomes `<unk>`, one id for one
character, and decodes to U+FFFD. A word that is not in the vocabulary is spelled in characters, or
becomes one `<unk>`, as its tokenizer was made. Ids of learned vocabularies follow the code points
(characters) or how often a word occurs, so the same texts give the same ids.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.vocabulary import (
    END_OF_TEXT,
    UNKNOWN,
    Card,
    UnknownWords,
    VocabularyTokenizer,
    pieces,
    read_saved,
    valid_text,
)

MAX_IDS = 1 << 24

_WORD = re.compile(r"\w")
_UNITS = re.compile(r"\w+(?:['’]\w+)*|\s+|[^\w\s]+")


class SymbolTokenizer(VocabularyTokenizer):
    """Strings to ids; `kind` says how text is split: characters, words or json (longest match)."""

    def __init__(
        self,
        kind: str,
        tokens: dict[str, int],
        specials: dict[str, int],
        unknown_words: UnknownWords = "characters",
    ) -> None:
        card = Card(
            kind=kind,
            vocab_size=max(*tokens.values(), *specials.values()) + 1,
            specials=specials,
            vocabulary_file="tokens.json",
            vocabulary_sha256="",
            unknown_words=unknown_words,
        )
        text_of_ids = {index: token.encode() for token, index in tokens.items()}
        text_of_ids[specials[UNKNOWN]] = "\ufffd".encode()
        super().__init__(card, _tokens_text(tokens), text_of_ids)
        self.ids = tokens
        self._unknown = specials[UNKNOWN]
        self._split = _splitter_of(kind, tokens)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the text; text that looks like a special token is text."""
        ids: list[int] = []
        for unit in self._split(valid_text(text)):
            token = self.ids.get(unit)
            ids += (token,) if token is not None else self._spelled(unit)
        return ids

    def characters_begun(self, text: str, ids: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return how many characters of the text begin in each of its ids, shape (num_tokens,)."""
        counts = super().characters_begun(text, ids).copy()
        if self.card.unknown_words == "mark":
            sizes = (self._sizes(unit) for unit in self._split(valid_text(text)))
            counts[:] = np.fromiter(chain.from_iterable(sizes), np.int64, len(ids))
        return counts

    def _sizes(self, unit: str) -> tuple[int, ...]:
        is_whole = unit in self.ids or self._is_marked(unit)
        return (len(unit),) if is_whole else (1,) * len(unit)

    def _spelled(self, unit: str) -> list[int]:
        if self._is_marked(unit):
            return [self._unknown]
        return [self.ids.get(character, self._unknown) for character in unit]

    def _is_marked(self, unit: str) -> bool:
        return self.card.unknown_words == "mark" and _WORD.match(unit) is not None


def learn_characters(texts: Iterable[str]) -> SymbolTokenizer:
    """Return a tokenizer of every code point seen."""
    seen: set[str] = set()
    for text in texts:
        seen.update(valid_text(text))
    return _numbered("characters", sorted(seen))


def learn_words(
    texts: Iterable[str], vocab_size: int, unknown_words: UnknownWords = "characters"
) -> SymbolTokenizer:
    """Return a tokenizer of the most frequent characters and words, and the separators between.

    Characters come first, so that a rare word can be spelled; they take half the room at most.
    """
    characters: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for text in texts:
        for piece in pieces(valid_text(text)):
            characters.update(piece)
            units.update(_UNITS.findall(piece))
    kept = _most_frequent(characters, max(vocab_size // 2, 1))
    for character in kept:
        units.pop(character, None)
    words = _most_frequent(units, max(vocab_size - len(kept) - 2, 0))
    return _numbered("words", kept + words, unknown_words)


def read_json_vocabulary(path: Path) -> SymbolTokenizer:
    """Return the tokenizer of a JSON object from token string to id, matched longest first.

    The names `<|endoftext|>` and `<unk>` keep their ids when they are listed, else they follow.
    """
    try:
        tokens = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TokenizerError(f"cannot read the JSON vocabulary {path}: {error}") from error
    return symbols_of(path, tokens, "json")


def symbols_of(path: Path, tokens: dict[str, int], kind: str) -> SymbolTokenizer:
    """Return the tokenizer of these ids, which `path` holds, or say what is wrong with them."""
    _check_json_vocabulary(path, tokens)
    first_free = max(tokens.values()) + 1
    specials = {}
    for name in (END_OF_TEXT, UNKNOWN):
        specials[name] = tokens.pop(name, first_free)
        first_free += specials[name] == first_free
    return SymbolTokenizer(kind, tokens, specials)


def load_symbols(folder: Path) -> SymbolTokenizer:
    """Return a tokenizer of symbols saved before."""
    card, vocabulary = read_saved(folder)
    return SymbolTokenizer(card.kind, json.loads(vocabulary), card.specials, card.unknown_words)


def _check_json_vocabulary(path: Path, tokens: object) -> None:
    expected = 'expected an object from token string to id, such as {"the": 0, " cat": 1}'
    if not isinstance(tokens, dict) or not tokens:
        raise TokenizerError(f"cannot use the JSON vocabulary {path}: {expected}")
    owners: dict[int, str] = {}
    for token, index in tokens.items():
        is_id = type(index) is int and 0 <= index < MAX_IDS
        if not is_id or not token or valid_text(token) != token:
            raise TokenizerError(
                f"cannot use the JSON vocabulary {path}: {token!r}: {index!r}; {expected}"
            )
        if index in owners:
            raise TokenizerError(
                f"cannot use the JSON vocabulary {path}: {owners[index]!r} and {token!r} "
                f"both have id {index}"
            )
        owners[index] = token


def _numbered(
    kind: str, tokens: list[str], unknown_words: UnknownWords = "characters"
) -> SymbolTokenizer:
    ids = {token: index for index, token in enumerate(tokens)}
    specials = {UNKNOWN: len(ids), END_OF_TEXT: len(ids) + 1}
    return SymbolTokenizer(kind, ids, specials, unknown_words)


def _most_frequent(counts: Counter[str], room: int) -> list[str]:
    return sorted(counts, key=lambda unit: (-counts[unit], unit))[:room]


def _splitter_of(kind: str, tokens: dict[str, int]) -> Callable[[str], Iterable[str]]:
    if kind == "words":
        return _UNITS.findall
    return _longest_match(tokens) if kind == "json" else iter


def _longest_match(tokens: dict[str, int]) -> Callable[[str], Iterator[str]]:
    sizes: dict[str, list[int]] = {}
    for first, size in sorted({(token[0], len(token)) for token in tokens}, reverse=True):
        sizes.setdefault(first, []).append(size)

    def split(text: str) -> Iterator[str]:
        place = 0
        while place < len(text):
            fits = (n for n in sizes.get(text[place], ()) if text[place : place + n] in tokens)
            size = next(fits, 1)
            yield text[place : place + size]
            place += size

    return split


def _tokens_text(tokens: dict[str, int]) -> bytes:
    rising = dict(sorted(tokens.items(), key=lambda item: item[1]))
    return json.dumps(rising, indent=0).encode() + b"\n"
