"""Exact duplicates inside a channel: the same words uploaded twice; the earliest one stays."""

import hashlib
from collections.abc import Iterable


def text_digest(text: str) -> str:
    """sha256 of the text's letters and digits in one case; '' when it has none."""
    letters = "".join(filter(str.isalnum, text.casefold()))
    return hashlib.sha256(letters.encode()).hexdigest() if letters else ""


def duplicates_of(rows: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """From (video id, published or '', text digest): each duplicate's id and the id that stays.

    An unknown date counts as later than any known one; equal dates go by id. Videos without text
    are nobody's duplicate.
    """
    kept: dict[str, str] = {}
    found: dict[str, str] = {}
    for video_id, _, digest in sorted(rows, key=lambda row: (not row[1], row[1], row[0])):
        if digest and kept.setdefault(digest, video_id) != video_id:
            found[video_id] = kept[digest]
    return found
