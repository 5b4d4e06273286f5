"""The words that search compares: folded, stemmed in their language, cut where none stand apart.

Notable choices:
- Scripts without spaces between words (Chinese, Japanese, Thai, Khmer, Lao, Burmese) are compared
  by pairs of characters, as Lucene's CJK analyzer does: no dictionary to keep, and no word that a
  dictionary lacks.
- Snowball (PyStemmer) stems the 30 languages that it knows; other words count as they are written.
- Accents go after stemming, which needs them: people type `uber` and `cafe`.
- There is no list of stop words: what stands everywhere weighs next to nothing in any language.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

import Stemmer

_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"  # inside words
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff"
_LETTER = rf"(?:[^\W_{_UNSPACED}]|[{_MARKS}])"
_WORD = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:['’]{_LETTER}+)*")
_ACCENTS = re.compile("[\u0300-\u036f]")
_MOST_KEPT = 200_000  # words whose stems are remembered, of one language

Analyzer = Callable[[str], list[str]]


def primary_language(tag: str) -> str:
    """The language of a BCP 47 tag, without region and script."""
    return re.split("[-_]", tag.lower())[0]


def analyzer_of(language: str) -> Analyzer:
    """What turns a text of a language (a BCP 47 tag) into the words that are compared."""
    return _analyzer(primary_language(language))


@cache
def _analyzer(code: str) -> Analyzer:
    stem = _stemmer_of(code)
    kept: dict[str, str] = {}

    def words_of(text: str) -> list[str]:
        found = []
        for word in raw_words(text):
            known = kept.get(word)
            if known is None:
                known = _bare(stem(word.replace("’", "'")))
                if len(kept) < _MOST_KEPT:
                    kept[word] = known
            found.append(known)
        return found

    return words_of


def raw_words(text: str) -> Iterator[str]:
    """The text's words in small letters; pairs of characters where words do not stand apart."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    for word in _WORD.findall(folded.casefold()):
        if word.isascii() or not _is_unspaced(word[0]) or len(word) == 1:
            yield word
        else:
            yield from (word[i : i + 2] for i in range(len(word) - 1))


@cache
def _is_unspaced(character: str) -> bool:
    return re.match(f"[{_UNSPACED}]", character) is not None


def _stemmer_of(code: str) -> Callable[[str], str]:
    try:
        stem = Stemmer.Stemmer({"nb": "no", "nn": "no"}.get(code, code))
    except KeyError:
        return str
    return stem.stemWord  # type: ignore[no-any-return]


def _bare(word: str) -> str:
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", word)))
