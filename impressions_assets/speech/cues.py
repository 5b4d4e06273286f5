"""What the readers of the formats hand on: cues as they stand in the file, not yet cleaned."""

from typing import NamedTuple

from impressions_assets.rows import Dropped, Word


class Cue(NamedTuple):
    """One cue: its times, its lines with their markup, and word times where the format has them."""

    start_seconds: float
    end_seconds: float
    text: str
    words: tuple[Word, ...] = ()


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
