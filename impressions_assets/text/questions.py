"""Questions that a description lists, each with the time at which it is asked.

A timed line is a question when it stands in a section that announces questions ("Q&A:",
"Timestamps of questions"), or, where no section does, when it ends in a question mark. A question
may run over several lines, and lists need not be in order of time: they come out as they stand.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from impressions_assets.rows import Question
from impressions_assets.text.lines import AROUND, CLOSERS, MANY_TIMES, Line, lines_of
from impressions_assets.text.question_lines import END, with_newlines
from impressions_assets.text.question_sections import Entry, entries_in
from impressions_assets.text.times import with_one_reading
from impressions_assets.text.titles import clean_title

# Each branch begins with a letter, so that a search skips to the next of them; in casefolded text.
_ANNOUNCEMENT = re.compile(
    r"q(?<!\w\w)(?:uestions?|na| ?(?:&|and|/|\+|n) ?a'?s?)\b|a(?<!\w\w)(?:sked|ma)\b"
    r"|f(?<!\w\w)ragen?\b|d(?<!\w\w)omand[ea]\b|s(?<!\w\w)oru|pregunta|pergunta|вопрос"
    r"|質問|提问|问题|問題|질문|प्रश्न|सवाल|أسئلة"
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
_ANSWER = re.compile(
    r"(?:\A|(?<=[.!?？؟\"'”’»)\]])\s+)"
    r"(?:a|answer|antwort|respuesta|resposta|réponse|ответ)\s?#?\d{0,3}\s?[:：]\s",
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
_SENTENCE_END = re.compile(r"[.!?]\s")
_HEADING_WORDS = 10
_WORDS_OF_A_PLAIN_HEADING = 5
_LONGEST_QUESTION = 1500
_LINES_OF_A_QUESTION = 6


def parse_questions(description: str, announcements: Sequence[str] = ()) -> list[Question]:
    """The questions listed in the description, in its order; `announcements` are extra headings."""
    lines = [*with_newlines(lines_of(description, MANY_TIMES), _announces_in_a_line)]
    if not lines:
        return []
    extra = [announcement.casefold() for announcement in announcements if announcement.strip()]
    found = list(_announced(lines, extra))
    if not found:
        asking = list(_asking(lines))
        found = asking if len(asking) > 1 else []
    stamps = with_one_reading([entry.stamp for entry in found], None)
    texts = _without_labels([entry.text for entry in found])
    return [
        Question(float(stamp.seconds), text)
        for stamp, text in zip(stamps, texts, strict=True)
        if text and len(text) <= _LONGEST_QUESTION and not _NO_QUESTION.match(text)
    ]


def _without_labels(texts: Iterable[str]) -> list[str]:
    """The questions alone; numbers count as labels when most have one.

    Where questions are labelled, labelled answers are none: "Q: Rye? A: No.".
    """
    texts = list(texts)
    if any(map(_LABEL.match, texts)):
        texts = [_ANSWER.split(text, maxsplit=1)[0] for text in texts]
    texts = [_without(_LABEL, text) for text in texts]
    if 2 * sum(_NUMBER.match(text) is not None for text in texts) >= max(2, len(texts)):
        texts = [_without(_NUMBER, text) for text in texts]
    return [_clean(text) for text in texts]


def _without(label: re.Pattern[str], text: str) -> str:
    match = label.match(text)
    return text[match.end() :] if match else text


def _clean(text: str) -> str:
    """The text without what is around it; a bracket glued to its first word is the writer's."""
    text = text.lstrip(AROUND)
    glued = text[:1] in tuple(CLOSERS) and text[1:2].isalpha()
    return text[0] + clean_title(text[1:]) if glued else clean_title(text)


def _announced(lines: Sequence[Line], extra: Sequence[str]) -> Iterator[Entry]:
    """The timed entries of each section whose heading announces questions."""
    heading: str | None = None
    begin, blank_before = 0, True
    for number, line in enumerate([*lines, END]):
        text, inside = line.text, heading is not None
        named = not inside and _names(text, extra)
        if text and (named or _is_heading(line, blank_before, inside)):
            if heading is not None and number > begin:
                yield from _section(lines[begin:number], heading, _names(heading, extra))
            announces = named or _names(text, extra) or _announces(text)
            neutral = number == begin and _TIMES.match(text)
            heading = text if announces else heading if neutral else None
            begin = number + 1
        blank_before = not text


def _is_heading(line: Line, blank_before: bool, inside: bool) -> bool:
    """A short line that opens a section; inside a list, where questions wrap, it must be plain."""
    text = line.text
    if line.edge:
        return False
    num_words = text.count(" ") + 1
    if num_words > _HEADING_WORDS or "://" in text or text.endswith("?"):
        return False
    if inside and not blank_before:
        plain = text.endswith((":", "：")) and num_words <= _WORDS_OF_A_PLAIN_HEADING
        return plain or text.startswith(("# ", "## ", "### ", "==", "***"))
    opens = text.endswith((":", "：", "-", "—", "*", "=")) or text.isupper() or blank_before
    return opens or _announces(text)


def _section(lines: Sequence[Line], heading: str, sure: bool) -> list[Entry]:
    """The section's entries, unless they are plainly chapters below a word of invitation."""
    entries = entries_in(lines)
    if sure or not _INVITATION.search(heading) or any(_ASKS.search(e.text) for e in entries):
        return entries
    return []


def _announces(heading: str) -> bool:
    return _ANNOUNCEMENT.search(heading.casefold()) is not None


def _announces_in_a_line(text: str, is_first: bool) -> bool:
    """Whether the last words before a time announce questions; inside a list only with a colon."""
    near = text[-80:].rstrip("([{【 \t-–—•*")
    if not (is_first or near.endswith((":", "："))):
        return False
    return _announces(_SENTENCE_END.split(near)[-1][-60:])


def _names(text: str, extra: Sequence[str]) -> bool:
    folded = text.casefold() if extra else ""
    return any(words in folded for words in extra)


def _asking(lines: Sequence[Line]) -> Iterator[Entry]:
    """The timed lines with a question's label, or that end in a question mark some lines below."""
    for number, line in enumerate(lines):
        if edge := line.edge:
            title = clean_title(edge.text)
            if edge.side == "head":
                title = _continued(title, _below(lines, number))
            if _QUESTION_END.search(title) or _LABEL.match(title):
                yield Entry(edge.stamp, [title])


def _continued(text: str, below: Iterator[str]) -> str:
    """The text with the lines it runs over, up to its question mark."""
    for line in below:
        if _QUESTION_END.search(text):
            break
        if not text or _QUESTION_END.search(line):
            text = f"{text} {line}".strip()
    return text


def _below(lines: Sequence[Line], number: int) -> Iterator[str]:
    for line in lines[number + 1 : number + _LINES_OF_A_QUESTION]:
        if not line.text or line.edge or "://" in line.text or _is_heading(line, False, False):
            return
        yield line.text
