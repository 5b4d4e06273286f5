"""Drops sentences that were just said: stuck captions, and takes that were not cut out.

Two things that look like repeats are content and stay. A question: a moderator reads it out again
for the room, and its time is where a listed question is looked for. And another speaker's same
words: that is agreement, or a quotation. Short sentences stay too, since people do say "No. No.".
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from impressions_assets.rows import Segment
from impressions_assets.text.stretches import Spoken, without
from impressions_assets.transforms import Kept, OnSegments

_WORD = re.compile(r"\w+")
_ASKS = re.compile(r"[?？؟][\"'”’»)\]」』）]*$")


class DropRepeats(OnSegments):
    """The same sentence by the same speaker again, whatever its case and punctuation."""

    name: ClassVar[str] = "drop_repeats"
    within_seconds: float = Field(
        default=30.0, gt=0, allow_inf_nan=False, description="seconds since it was last said"
    )
    min_words: int = Field(default=5, ge=1, description="shorter sentences stay, in words")

    def on_segments(self, segments: Sequence[Segment]) -> Kept[Segment]:
        """What stays; the first of the same sentences does."""
        return without(segments, self._reasons)

    def _reasons(self, sentences: Sequence[Spoken]) -> list[str]:
        last: dict[tuple[str | None, tuple[str, ...]], float] = {}
        reasons = []
        for sentence in sentences:
            words = tuple(_WORD.findall(sentence.text.casefold()))
            key, now = (sentence.speaker, words), sentence.start_seconds
            is_repeat = (
                len(words) >= self.min_words
                and now - last.get(key, float("-inf")) <= self.within_seconds
                and not _ASKS.search(sentence.text)
            )
            last[key] = now
            reasons.append("repeat" if is_repeat else "")
        return reasons
