"""A description as lines, each with the times in it: where chapters and questions begin to be read.

    lines_of ─┬─ chapters: timed lines that rise, else flat_lists, whose newlines were lost
              └─ questions: question_lines, newlines put back ─┬─ question_sections below headings
                                                              └─ else lines that ask

A time stands at the head of a line behind nothing but bullets, brackets, emoji, a number or a
label, or at its tail before nothing but brackets or a remark in parentheses. Inside a sentence, or
in a remark ("asked again at 2:05"), it says nothing of its line.
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from impressions_assets.text.times import Stamp, fold, may_hold_times, stamps_in, visible

FEW_TIMES = 4  # enough to know that no edge of a line speaks for all of it
MANY_TIMES = 100  # of a list in one line, the longest seen had 38: bounds what hostile lines cost
_RANGE = re.compile(
    r"\s{0,3}[\])]?\s{0,3}(?:[-–—−~→>]{1,3}|to|bis|a|à|до)\s{0,3}[\[(]?", re.IGNORECASE
)
_MARKDOWN_LINK = re.compile(r"\[((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]\((?:https?:|/|#)[^()\s]*+\)")
_REST_LINK = re.compile(r"`([^`<>\n]++)<[^<>\n]++>`__?")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*+>")
_LEAD = re.compile(
    r"[\W_]*+(?:(?:q|question|frage|pregunta|pergunta|вопрос)?\s?#?\d{0,3}[\W_]*+|[a-z]\)\s*+)$",
    re.IGNORECASE,
)
_LONGEST_LEAD = 24
_REMARK = re.compile(r"[^\w(]{0,9}(\([^()]{1,200}\))?[\W_]{0,9}$")
_OPENERS, CLOSERS = "([{（【［", ")]}）】］"
AROUND = " \t\xa0\u3000-–—−|>•·*_=→:："
HAS_LETTERS = re.compile(r"[^\W\d_]")
_NEAR = 200


class Edge(Struct, frozen=True, gc=False):
    """The time at one end of a line and the text without it; `lead` is what stands before it."""

    stamp: Stamp
    side: Literal["head", "tail"]
    text: str
    lead: str = ""


class Line(Struct, frozen=True, gc=False):
    """A line without links and markup, the same in ASCII marks, and its times in their order."""

    text: str
    folded: str
    stamps: Sequence[Stamp] = ()
    edge: Edge | None = None


def lines_of(description: str, most_times: int = FEW_TIMES) -> list[Line]:
    """All lines in order, with up to `most_times` times of each; none without any time."""
    if not may_hold_times(description):
        return []
    text = _without_links(visible(description))
    texts = [line.strip() for line in text.splitlines()]
    folded = fold(text)
    same = texts if folded is text else [line.strip() for line in folded.splitlines()]
    return [_line(*both, most_times) for both in zip(texts, same, strict=True)]


def _line(text: str, folded: str, most_times: int) -> Line:
    stamps = stamps_in(folded, most_times) if may_hold_times(folded) else []
    return Line(text, folded, stamps, edge_of(text, folded, stamps) if stamps else None)


def _without_links(text: str) -> str:
    if "](" in text:
        text = _MARKDOWN_LINK.sub(r"\1", text)
    if "`_" in text:
        text = _REST_LINK.sub(lambda link: link[1].rstrip(), text)
    return _TAG.sub("", text) if "<" in text else text


def edge_of(text: str, folded: str, stamps: Sequence[Stamp], before: str = "") -> Edge | None:
    """The time at the line's head or tail; `before` is what its sentence began with."""
    if len(stamps) > FEW_TIMES:
        stamps = stamps[:FEW_TIMES]
    if before or "(" in folded:
        said = f"{before} {folded}"
        behind = len(said) - len(folded)
        stamps = [stamp for stamp in stamps if not is_mention(said, behind + stamp.start)]
    return (_head(text, folded, stamps) or _tail(text, folded, stamps)) if stamps else None


def _head(text: str, folded: str, stamps: Sequence[Stamp]) -> Edge | None:
    first, lead = stamps[0], folded[: stamps[0].start]
    if lead and (len(lead) > _LONGEST_LEAD or not _LEAD.match(lead)):
        return None
    last = first
    if len(stamps) > 1:
        rest = [stamp for stamp in stamps[1:] if _opened(folded, stamp.start) < 0]
        if rest and is_range(folded, first.end, rest[0].start):
            last = rest.pop(0)
        if rest:  # several times on one line: a flattened list, or prose
            return None
    behind = text[last.end :]
    if lead and HAS_LETTERS.search(lead) and not HAS_LETTERS.search(behind):
        return None  # "Question 2 (1:02)": no label, but all that the line says
    return head_edge(first, lead, behind)


def _tail(text: str, folded: str, stamps: Sequence[Stamp]) -> Edge | None:
    first = last = stamps[-1]
    remark = _REMARK.match(text, last.end)
    if len(stamps) > 1 and is_range(folded, stamps[-2].end, last.start):
        first = stamps[-2]
    if remark is None or stamps[0] is not first:
        return None
    return tail_edge(first, text[: first.start], remark[1] or "")


def head_edge(stamp: Stamp, lead: str, text: str) -> Edge:
    """A time behind its lead and before its text, without the bracket that closes around it."""
    if lead and lead.rstrip(AROUND)[-1:] in tuple(_OPENERS):
        inner = text.lstrip()
        text = inner[1:] if inner[:1] in tuple(CLOSERS) else text
    return Edge(stamp, "head", text, lead)


def tail_edge(stamp: Stamp, text: str, remark: str = "") -> Edge:
    """A time behind its text, without the bracket that opens around it."""
    return Edge(stamp, "tail", f"{text.rstrip(AROUND).rstrip(_OPENERS)} {remark}".rstrip())


def is_range(folded: str, end: int, start: int) -> bool:
    """Whether a time that ends and one that starts there are the two of a range."""
    return _RANGE.fullmatch(folded, end, start) is not None


def is_mention(text: str, start: int) -> bool:
    """Whether the time that starts there belongs to a remark: "(asked again at 2:05)"."""
    opened = _opened(text, start)
    return opened >= 0 and HAS_LETTERS.search(text, opened, start) is not None


def _opened(text: str, end: int) -> int:
    """Where the parenthesis opens that is still open there; -1 when none is."""
    begin = max(0, end - _NEAR)
    opened = max(text.rfind("(", begin, end), text.rfind("（", begin, end))
    closed = max(text.rfind(")", begin, end), text.rfind("）", begin, end))
    return opened if opened > closed else -1
