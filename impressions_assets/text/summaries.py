"""The summary of a video: the first paragraph of its description that speaks of the content."""

import re
from itertools import pairwise

from impressions_assets.text.casing import with_stop
from impressions_assets.text.clean import clean_line
from impressions_assets.text.times import fold, may_hold_times, stamps_in

_LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|org|net|io|co|gg|tv|be)\b|\S@\S|(?:^|\s)@\w")
_HASHTAGS = re.compile(r"(?:\s*#[^\s#]+)+\s*$")
_BOILERPLATE = re.compile(
    r"\b(?:subscribe|patreon|follow (?:us|me)|sponsor(?:s|ed)?|supported by|brought to you"
    r"|instagram|twitter|facebook|discord|tiktok|merch|newsletter|affiliate|donat(?:e|ions?)"
    r"|support (?:us|me|the channel)|special thanks|consider sharing|to learn more|a link to"
    r"|(?:to|of) this channel|description links|all rights reserved|timestamps|like and share"
    r"|(?:chapters|links?|timestamp) (?:are |is )?(?:below|in the (?:description|comments?))"
    r"|playlist|watch more|check out|home page|valuable form of support|abonnier\w*|suscr[ií]b\w*"
    r"|inscreva\w*|abonnez\w*|подпис\w*)\b"
    r"|^(?:licen[cs]e|copyright|lizenz|credits|tags|music)\b ?[:©(]",
    re.IGNORECASE,
)
_OF_THE_CHANNEL = re.compile(r"\W*(?:new (?:here|to)|welcome to)\b.*\bchannel\b", re.IGNORECASE)
_ASIDE = re.compile(r"\s*\([^()]*\b(?:below|above|description|comments?|pinned)\b[^()]*\)")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+")
_FEWEST_WORDS = 4
_LENGTH_OF_WRAPPED = 60


def summary_of(description: str) -> str:
    """The paragraph as one line, without links, times and requests to subscribe; '' if none."""
    kept: list[str] = []
    for line in description.splitlines():
        sentences = _sentences_in(line)
        good = [s for s in sentences if s and not _LINK.search(s) and not _BOILERPLATE.search(s)]
        if kept and len(good) < max(1, len(sentences)):
            break
        text = _HASHTAGS.sub("", " ".join(good)).strip()
        if kept or text.count(" ") + 1 >= _FEWEST_WORDS or len(text) > 40:
            kept += [text] if text else []
    return " ".join(
        line if _goes_on(line, after) else with_stop(line) for line, after in pairwise([*kept, ""])
    )


def _sentences_in(line: str) -> list[str]:
    return [] if _is_none_of_it(line) else _SENTENCE.split(_ASIDE.sub("", clean_line(line)))


def _goes_on(line: str, after: str) -> bool:
    """Whether the line was wrapped in the middle of a sentence."""
    return bool(after) and (len(line) >= _LENGTH_OF_WRAPPED or not after[0].isupper())


def _is_none_of_it(line: str) -> bool:
    """Whether the line belongs to a list, heads one, or introduces the channel."""
    stripped = line.strip()
    if stripped.endswith((":", "：")) or not any(map(str.isalpha, stripped)):
        return True
    if _OF_THE_CHANNEL.match(stripped):
        return True
    return may_hold_times(stripped) and any(True for _ in stamps_in(fold(stripped)))
