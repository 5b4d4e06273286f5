"""What people corrected by hand: read from the CSV of a review, kept, and taken back.

`impressions export NAME --format review` writes the sheets, a person edits them, `impressions
correct NAME FILE…` reads them back. What differs from the tables becomes a row of `corrections`;
the stages apply it whenever they make the video's row anew. All sheets are checked before anything
is kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from impressions_assets.rows import Corrected, Correction
from impressions_assets.sheet_changes import CHANGES
from impressions_assets.sheets import Line, read_sheet
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home, correction_key
from impressions_assets.storage.tables import Entry


class Corrections(NamedTuple):
    """What an import changes: corrections to keep, and the keys of those that are over."""

    kept: tuple[Correction, ...]
    over: tuple[tuple[str, Corrected], ...]

    @property
    def tables(self) -> set[Corrected]:
        """The tables whose rows must be made anew."""
        return {made.table for made in self.kept} | {table for _, table in self.over}

    @property
    def video_ids(self) -> set[str]:
        """The videos that are concerned."""
        return {made.video_id for made in self.kept} | {video_id for video_id, _ in self.over}


def correct(home: Home, channel: str, paths: Iterable[Path]) -> Corrections:
    """Keep what the sheets change in a channel's rows; return it.

    Raises:
        ConfigError: a sheet cannot be read, or a line of it fits nothing; nothing was kept.
    """
    before: dict[tuple[str, Corrected], Correction] = {}
    after: dict[tuple[str, Corrected], Correction] = {}
    for path in paths:
        sheet = read_sheet(path)
        for video_id, lines in _by_video(sheet.lines):
            place = (video_id, sheet.table)
            if place not in before:
                before[place] = _kept(home, channel, *place)
            now = after.get(place, before[place])
            row = home.table(sheet.table).get(channel, key_of(video_id))
            if row is None:
                raise lines[0].wrong(f"channel {channel!r} has no {sheet.table} of {video_id!r}")
            after[place] = CHANGES[sheet.table](home, channel, row, now, lines)
    changed = {place: made for place, made in after.items() if made != before[place]}
    done = Corrections(
        kept=tuple(made for made in changed.values() if _says_something(made)),
        over=tuple(place for place, made in changed.items() if not _says_something(made)),
    )
    _keep(home, channel, done)
    return done


def undo(home: Home, channel: str, video_id: str) -> Corrections:
    """Take back all corrections of a video; return what they were, as what is over."""
    key = key_of(video_id)
    known = home.table("corrections").digests(channel)
    over = [(video_id, table) for table in CHANGES if correction_key(key, table) in known]
    done = Corrections((), tuple(over))
    _keep(home, channel, done)
    return done


def _kept(home: Home, channel: str, video_id: str, table: Corrected) -> Correction:
    found: Correction | None = home.table("corrections").get(
        channel, correction_key(key_of(video_id), table)
    )
    return found or Correction(video_id=video_id, table=table)


def _keep(home: Home, channel: str, done: Corrections) -> None:
    corrections = home.table("corrections")
    corrections.put(channel, [Entry(made) for made in done.kept])
    corrections.remove(channel, [correction_key(key_of(v), table) for v, table in done.over])


def _says_something(made: Correction) -> bool:
    return made.table == "chapters" or bool(made.segments or made.pairs)


def _by_video(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    ordered = sorted(lines, key=lambda line: line.words("video_id"))
    for video_id, group in groupby(ordered, key=lambda line: line.words("video_id")):
        yield video_id, list(group)
