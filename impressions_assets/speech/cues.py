"""What the readers of the formats hand on: cues as they stand in the file, not yet cleaned.

A cue is a `Segment` whose text still has its lines and its markup, and whose end may come before
its start. Most captions have none of that: such a cue is the row of the transcript, as it is.
"""

from typing import NamedTuple, TypeAlias

from impressions_assets.rows import Dropped, Segment

Cue: TypeAlias = Segment


class RawTrack(NamedTuple):
    """All cues of one file, and whether it made sense (a valid file may hold no cue)."""

    cues: list[Cue]
    dropped: list[Dropped]
    is_readable: bool = True
    is_recognized: bool = False  # by a machine, with a time per word: such captions roll


EMPTY = "no text"
UNTIMED = "text without a time"
BAD_TIME = "unreadable time"
CUT_OFF = "file ends or breaks here"
REPEATED = "repeated cue"
NOT_SPEECH = "not speech"
