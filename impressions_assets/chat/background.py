"""How often words are said in general, by which what is special about a channel shows.

The frequencies come from wordfreq, for some 40 languages; of no other source as broad we know that
needs no download. Its lists end in 2021, which hardly matters here: a newer word counts as rare.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from impressions_assets.chat.words import analyzer_of, raw_words
from impressions_assets.errors import ConfigError

RAREST = 5e-7  # of all words: what is not in the list is said about that often
_SAME = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil", "cmn": "zh"}


class Background:
    """How often a word is said in the languages of a channel: in the one where it is commonest."""

    def __init__(self, languages: Iterable[str]) -> None:
        """Read the lists of the languages, by their codes; those without a list count as rare."""
        self._lists = [_frequencies(code) for code in sorted(set(languages))]

    def __call__(self, word: str) -> float:
        """The share of all words; of a word, or of all words with a stem."""
        return max((words.get(word, 0.0) for words in self._lists), default=0.0) or RAREST


@cache
def _frequencies(code: str) -> Mapping[str, float]:
    try:
        from wordfreq import available_languages, get_frequency_dict
    except ImportError as error:
        raise ConfigError(
            "what belongs to a channel is told by how often its words are said elsewhere, and"
            f" wordfreq cannot be imported ({error}): pip install 'impressions-assets[chat]'"
        ) from error
    code = _SAME.get(code, code)
    if code not in available_languages("small"):
        return {}
    analyze = analyzer_of(code)
    found: dict[str, float] = {}
    for form, share in get_frequency_dict(code, wordlist="small").items():
        for raw, word in zip(raw_words(form), analyze(form), strict=True):
            for one in {raw, word}:
                found[one] = found.get(one, 0.0) + share
    return found
