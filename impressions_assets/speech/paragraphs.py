"""Plain text as segments: one per paragraph, with no times (both are 0)."""

import re

from impressions_assets.rows import Segment

_EMPTY_LINES = re.compile(r"\n[ \t\r\f\v]*\n\s*")


def read_paragraphs(text: str) -> tuple[Segment, ...]:
    """Split at empty lines; lines within a paragraph are joined by a space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    paragraphs = (" ".join(part.split()) for part in _EMPTY_LINES.split(text))
    return tuple(Segment(0.0, 0.0, paragraph) for paragraph in paragraphs if paragraph)
