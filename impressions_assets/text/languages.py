"""Which language a text is in, by its letters: py3langid, whose model of 4.6 MB comes with it.

Of 181 descriptions in 24 languages it named each rightly, as langdetect (last released in 2021)
and lingua (96 MB, 140 times slower) did; of their first 40 letters it missed 4 of 177, each with a
confidence below 0.65. What it is not sure of stays 'und'.
"""

from collections import Counter
from functools import cache
from typing import Any

UNKNOWN = "und"

_NO_LANGUAGE = "zxx"  # numbers, formulas
_LEAST_CONFIDENCE = 0.8
_FEWEST_CHARACTERS = 40
_PIECES = 5  # of a long text, of which most must agree: a talk may open with a hymn
_PIECE = 400
# Tags for one language: old codes that YouTube keeps, and what no reader tells apart by letters.
_SAME = {
    "iw": "he", "in": "id", "ji": "yi", "tl": "fil", "nb": "no", "nn": "no", "cmn": "zh",
    "yue": "zh", "wuu": "zh", "arz": "ar", "ary": "ar", "hr": "sh", "sr": "sh", "bs": "sh",
    "ms": "id", "pcm": "en", "hbo": "he", "grc": "el",
}  # fmt: skip


def language_of(text: str) -> str:
    """The language's code (`en`, `yue`); 'und' when the text is short or may be another one."""
    if len(text) < _FEWEST_CHARACTERS:
        return UNKNOWN
    codes = [str(_identifier().classify(piece)[0]) for piece in _pieces(text)]
    code, votes = Counter(codes).most_common(1)[0]
    return code if votes > len(codes) / 2 and code != _NO_LANGUAGE else UNKNOWN


def agree(tag: str, identified: str) -> bool:
    """Whether a BCP 47 tag and an identified language may be the same; unknown ones may be."""
    said, heard = _primary(tag), _primary(identified)
    return UNKNOWN in (said, heard) or said == heard


def can_tell(tag: str) -> bool:
    """Whether the language of a tag is one that can be identified."""
    return _primary(tag) in {_primary(code) for code in _identifier().nb_classes}


def _primary(tag: str) -> str:
    code = tag.replace("_", "-").split("-")[0].lower()
    return _SAME.get(code, code)


def _pieces(text: str) -> list[str]:
    """The text, or when it is long, pieces at even distances."""
    if len(text) <= _PIECES * _PIECE:
        return [text]
    step = (len(text) - _PIECE) // (_PIECES - 1)
    return [text[number * step :][:_PIECE] for number in range(_PIECES)]


@cache
def _identifier() -> Any:
    """The model, read once, by those who need it: it takes a second and 60 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(
        MODEL_FILE, norm_probs=True, min_confidence=_LEAST_CONFIDENCE
    )
