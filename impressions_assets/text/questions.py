"""Questions that a description lists, each with the time at which it is asked.

A timed line is a question when it ends in a question mark or stands in a section that announces
questions ("Q&A:", "Timestamps of questions"). A question may run over several lines, and lists
need not be in order of time: they come out as they stand.
"""

import re
from collections.abc import Iterator, Sequence

from impressions_assets.rows import Question
from impressions_assets.text.timed_lines import (
    Lines,
    read_lines,
    split_flat_line,
    with_one_reading,
)

_ANNOUNCEMENT = re.compile(
    r"\bquestions?\b|\bq ?(?:&|and|/|\+|n) ?a'?s?\b|\bqna\b|\basked\b|\bama\b|pregunta|pergunta"
    r"|\bfragen?\b|\bdomand[ea]\b|вопрос|質問|提问|问题|問題|질문|प्रश्न|सवाल|\bsoru|أسئلة",
    re.IGNORECASE,
)
_QUESTION_END = re.compile(r"[?？؟][\"'”’»)\]*_\s]*$|[?？؟][\"'”’»)\]*_\s]*\([^()]*\)$")
_LABEL = re.compile(
    r"\A(?:(?:question|frage|pregunta|pergunta|вопрос)\s*#?\s*\d{0,3}|q\s*\d{0,3}|\d{1,3})"
    r"\s*[.:)\]–—-]+\s*(?=\S)",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(
    r"(?:the )?(?:intro|outro|introduction|opening|closing|welcome|thanks?|thank you|credits|chant"
    r"|prayer|conclusion|end|start|break|questions?|q ?& ?a)\b(?!.*[?？؟])",
    re.IGNORECASE,
)
_HEADING_WORDS = 10
_LONGEST_QUESTION = 600
_LINES_OF_A_QUESTION = 6


def parse_questions(description: str, announcements: Sequence[str] = ()) -> list[Question]:
    """The questions listed in the description, in its order; `announcements` are extra headings."""
    lines = read_lines(description)
    extra = [announcement.casefold() for announcement in announcements if announcement.strip()]
    announced = _announced(lines, extra)
    found = list(_listed(lines, announced)) or list(_flat(lines))
    alone = len(found) < 2 and not announced
    return [] if alone else found


def _announced(lines: Lines, extra: Sequence[str]) -> set[int]:
    """The numbers of the timed lines that stand below a heading which announces questions."""
    timed = {entry.line_number for entry in lines.timed}
    announced: set[int] = set()
    inside, blank_before = False, True
    for number, text in enumerate(lines.texts):
        if number in timed:
            if inside:
                announced.add(number)
        elif text and (_is_heading(text, blank_before) or _names(text, extra)):
            inside = _names(text, extra) or _ANNOUNCEMENT.search(text) is not None
        blank_before = not text
    return announced


def _names(text: str, extra: Sequence[str]) -> bool:
    folded = text.casefold()
    return any(words in folded for words in extra)


def _is_heading(text: str, blank_before: bool) -> bool:
    """A short line that opens a section: one with a colon, or one that stands apart."""
    short = text.count(" ") < _HEADING_WORDS and "://" not in text
    opens = text.endswith((":", "-", "—", "*", "=")) or text.isupper() or blank_before
    return short and (opens or _ANNOUNCEMENT.search(text) is not None) and not text.endswith("?")


def _listed(lines: Lines, announced: set[int]) -> Iterator[Question]:
    timed = {entry.line_number for entry in lines.timed}
    previous = -1
    for entry in with_one_reading(lines.timed, None):
        inside = entry.line_number in announced
        if entry.side == "head":
            below = _below(lines.texts, entry.line_number, timed)
            text = _continued(entry.title, below, inside)
        else:
            above = list(_above(lines.texts, entry.line_number, previous)) if inside else []
            text = " ".join([*reversed(above), entry.title])
        previous = entry.line_number
        if not text or _NO_QUESTION.match(text):
            continue
        if inside or _QUESTION_END.search(text):
            yield Question(float(entry.stamp.seconds), _LABEL.sub("", text, count=1))


def _continued(text: str, below: Iterator[str], inside: bool) -> str:
    """The text with the lines it runs over, up to its question mark."""
    for line in below:
        if _QUESTION_END.search(text) or len(text) + len(line) > _LONGEST_QUESTION:
            break
        if not text or inside or _QUESTION_END.search(line):
            text = f"{text} {line}".strip()
    return text


def _below(texts: Sequence[str], number: int, timed: set[int]) -> Iterator[str]:
    for below in range(number + 1, min(len(texts), number + _LINES_OF_A_QUESTION)):
        text = texts[below]
        if not text or below in timed or "://" in text or _is_heading(text, False):
            return
        yield text


def _above(texts: Sequence[str], number: int, previous: int) -> Iterator[str]:
    for above in range(number - 1, max(previous, number - _LINES_OF_A_QUESTION), -1):
        text = texts[above]
        if not text or "://" in text or _is_heading(text, False) or _QUESTION_END.search(text):
            return
        yield text


def _flat(lines: Lines) -> Iterator[Question]:
    """Questions in lines that lost their newlines."""
    for line in lines.texts:
        pieces = list(split_flat_line(line))
        for stamp, title in pieces if len(pieces) > 1 else []:
            end = max(map(title.rfind, "?？؟")) + 1
            if end:
                yield Question(float(stamp.seconds), _LABEL.sub("", title[:end], count=1))
