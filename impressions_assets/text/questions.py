"""Questions that a description lists, each with the time at which it is asked.

A timed line is a question when it stands in a section that announces questions ("Q&A:",
"Timestamps of questions"), or, where no section does, when it ends in a question mark. A question
may run over several lines, and lists need not be in order of time: they come out as they stand.
"""

import re
from collections.abc import Iterator, Sequence

from impressions_assets.rows import Question
from impressions_assets.text.question_lines import in_lines, without_links
from impressions_assets.text.question_sections import clean_question, edge_of, items_of
from impressions_assets.text.timed_lines import Lines, TimedLine, read_lines, with_one_reading
from impressions_assets.text.times import may_hold_times

_ANNOUNCEMENT = re.compile(
    r"\bquestions?\b|\bq ?(?:&|and|/|\+|n) ?a'?s?\b|\bqna\b|\basked\b|\bama\b|pregunta|pergunta"
    r"|\bfragen?\b|\bdomand[ea]\b|вопрос|質問|提问|问题|問題|질문|प्रश्न|सवाल|\bsoru|أسئلة",
    re.IGNORECASE,
)
_INVITATION = re.compile(
    r"\b(?:ask|send|submit|leave|post|drop|write|got|have|any|email|share)\b.{0,30}\bquestions?\b"
    r"|\bquestions? (?:or|and) (?:comments?|suggestions?|feedback|requests?)\b"
    r"|\bquestions? (?:below|to)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\A(?:(?:question|frage|pregunta|pergunta|вопрос)\s*#?\s*\d{0,3}|q\s*\d{0,3})"
    r"\s*[.:)\]–—-]+\s*(?=\S)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\A\d{1,3}\s*[.:)\]–—-]+\s*(?=\S)")
_NO_QUESTION = re.compile(
    r"(?:the )?(?:intro|outro|introduction|opening|closing|welcome|thanks?|thank you|credits|chant"
    r"|prayer|conclusion|end|start|break|questions?|q ?& ?a)\b(?!.*[?？؟])",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[?？؟]|\A(?:how|why|what|who|when|where|which|can|is|are|do|does|tell|explain|describe)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\W*(?:time ?stamps?|time ?codes?|times|index|zeitmarken)\W*\Z", re.IGNORECASE)
_QUESTION_END = re.compile(r"[?？؟][\"'”’»)\]*_\s]*$|[?？؟][\"'”’»)\]*_\s]*\([^()]*\)$")
_HEADING_WORDS = 10
_WORDS_OF_A_PLAIN_HEADING = 5
_LONGEST_QUESTION = 1500
_LINES_OF_A_QUESTION = 6


def parse_questions(description: str, announcements: Sequence[str] = ()) -> list[Question]:
    """The questions listed in the description, in its order; `announcements` are extra headings."""
    if not may_hold_times(description):
        return []
    text = in_lines(without_links(description), _announces_in_a_line)
    lines = read_lines(text)
    extra = [announcement.casefold() for announcement in announcements if announcement.strip()]
    found = list(_announced(lines, extra))
    if found:
        return _questions(with_one_reading(found, None))
    found = list(_asking(lines))
    return _questions(with_one_reading(found, None)) if len(found) > 1 else []


def _questions(found: Sequence[TimedLine]) -> list[Question]:
    """The entries as questions without labels; numbers count as labels when most have one."""
    texts = [_LABEL.sub("", entry.title, count=1) for entry in found]
    if 2 * sum(_NUMBER.match(text) is not None for text in texts) >= max(2, len(texts)):
        texts = [_NUMBER.sub("", text, count=1) for text in texts]
    texts = [clean_question(text) for text in texts]
    return [
        Question(float(entry.stamp.seconds), text)
        for entry, text in zip(found, texts, strict=True)
        if text and len(text) <= _LONGEST_QUESTION and not _NO_QUESTION.match(text)
    ]


def _announced(lines: Lines, extra: Sequence[str]) -> Iterator[TimedLine]:
    """The timed entries of each section whose heading announces questions."""
    heading: str | None = None
    begin, blank_before = 0, True
    for number, text in enumerate([*lines.texts, "End:"]):
        inside = heading is not None
        named = not inside and _names(text, extra)
        if text and (named or _is_heading(text, blank_before, inside)):
            if heading is not None and number > begin:
                yield from _section(lines.texts, begin, number, _names(heading, extra))
            announces = named or _names(text, extra) or _announces(text)
            neutral = number == begin and _TIMES.match(text)
            heading = text if announces else heading if neutral else None
            begin = number + 1
        blank_before = not text


def _is_heading(text: str, blank_before: bool, inside: bool) -> bool:
    """A short line that opens a section; inside a list, where questions wrap, it must be plain."""
    num_words = text.count(" ") + 1
    if num_words > _HEADING_WORDS or "://" in text or text.endswith("?"):
        return False
    if inside and not blank_before:
        plain = text.endswith((":", "：")) and num_words <= _WORDS_OF_A_PLAIN_HEADING
        opens = plain or text.startswith(("# ", "## ", "### ", "==", "***"))
    else:
        opens = text.endswith((":", "：", "-", "—", "*", "=")) or text.isupper() or blank_before
        opens = opens or _announces(text)
    return opens and edge_of(text) is None


def _section(texts: Sequence[str], begin: int, end: int, sure: bool) -> Iterator[TimedLine]:
    """The section's entries, unless they are plainly chapters below a word of invitation."""
    entries = list(items_of(texts, begin, end))
    heading = texts[begin - 1]
    if sure or not _INVITATION.search(heading) or any(_ASKS.search(e.title) for e in entries):
        yield from entries


def _announces(heading: str) -> bool:
    return _ANNOUNCEMENT.search(heading) is not None


def _announces_in_a_line(text: str, is_first: bool) -> bool:
    """Whether the last words before a time announce questions; inside a list only with a colon."""
    words = re.split(r"[.!?]\s", text[-80:])[-1].rstrip("([{【 \t-–—•*")
    return (is_first or words.endswith((":", "："))) and _announces(words[-60:])


def _names(text: str, extra: Sequence[str]) -> bool:
    folded = text.casefold()
    return any(words in folded for words in extra)


def _asking(lines: Lines) -> Iterator[TimedLine]:
    """The timed lines that end in a question mark, there or some lines below."""
    timed = {entry.line_number for entry in lines.timed}
    for entry in lines.timed:
        title = entry.title
        if entry.side == "head":
            title = _continued(title, _below(lines.texts, entry.line_number, timed))
        if _QUESTION_END.search(title):
            yield entry._replace(title=title)


def _continued(text: str, below: Iterator[str]) -> str:
    """The text with the lines it runs over, up to its question mark."""
    for line in below:
        if _QUESTION_END.search(text):
            break
        if not text or _QUESTION_END.search(line):
            text = f"{text} {line}".strip()
    return text


def _below(texts: Sequence[str], number: int, timed: set[int]) -> Iterator[str]:
    for below in range(number + 1, min(len(texts), number + _LINES_OF_A_QUESTION)):
        text = texts[below]
        if not text or below in timed or "://" in text or _is_heading(text, False, False):
            return
        yield text
