"""The summary of a video: the first paragraph of its description that speaks of the content."""

import re

from impressions_assets.text.clean import clean_line
from impressions_assets.text.times import fold, may_hold_times, stamps_in

_LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|org|net|io|co|gg|tv|be)\b|\S@\S|(?:^|\s)@\w")
_HASHTAGS = re.compile(r"(?:\s*#[^\s#]+)+\s*$")
_BOILERPLATE = re.compile(
    r"\b(?:subscribe|patreon|follow (?:us|me)|sponsor(?:ed)?|instagram|twitter|facebook|discord"
    r"|tiktok|merch|newsletter|affiliate|donat(?:e|ions?)|support (?:us|me|the channel)"
    r"|special thanks|consider sharing|(?:to|of) this channel|description links"
    r"|all rights reserved|timestamps?|chapters|like and share|playlist|watch more|check out"
    r"|home page|valuable form of support|abonnier\w*|suscr[ií]b\w*|inscreva\w*|abonnez\w*"
    r"|подпис\w*)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+")
_FEWEST_WORDS = 4


def summary_of(description: str) -> str:
    """The paragraph as one line, without links, times and requests to subscribe; '' if none."""
    kept: list[str] = []
    for line in description.splitlines():
        sentences = [] if _is_list_or_heading(line) else _SENTENCE.split(clean_line(line))
        good = [s for s in sentences if s and not _LINK.search(s) and not _BOILERPLATE.search(s)]
        if kept and len(good) < max(1, len(sentences)):
            break
        text = _HASHTAGS.sub("", " ".join(good)).strip()
        if kept or text.count(" ") + 1 >= _FEWEST_WORDS or len(text) > 40:
            kept += [text] if text else []
    return " ".join(kept)


def _is_list_or_heading(line: str) -> bool:
    stripped = line.strip()
    if stripped.endswith((":", "：")) or not any(map(str.isalpha, stripped)):
        return True
    return may_hold_times(stripped) and any(True for _ in stamps_in(fold(stripped)))
