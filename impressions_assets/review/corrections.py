"""What people corrected by hand: read from the CSV of a review, kept, and taken back.

`impressions export NAME --format review` writes the sheets, a person edits them, `impressions
correct NAME FILE…` reads them back. What differs from the tables becomes a row of `corrections`;
the stages apply it whenever they make the video's row anew. All sheets are checked before anything
is kept, and what others keep in the meantime is not lost: it is read in the same transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from impressions_assets.review.changes import CHANGES, Talk
from impressions_assets.review.lines import Line
from impressions_assets.review.sheets import read_sheet
from impressions_assets.rows import Corrected, Correction, Transcript, Video
from impressions_assets.speech.corrections import corrected_transcript
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import correction_key
from impressions_assets.text.corrections import corrected_chapters, corrected_pairs

CORRECTED: Mapping[Corrected, Callable[[Any, Correction], Any]] = {
    "transcripts": corrected_transcript,
    "chapters": corrected_chapters,
    "qa_pairs": corrected_pairs,
}
Place = tuple[Corrected, str]  # a table, and a video's id


class Corrections(NamedTuple):
    """What an import changes: the rows concerned, and the lines that overrule a later change."""

    places: frozenset[Place]
    overruling: tuple[Line, ...] = ()

    @property
    def tables(self) -> set[Corrected]:
        """The tables whose rows must be made anew."""
        return {table for table, _ in self.places}

    @property
    def video_ids(self) -> set[str]:
        """The videos that are concerned."""
        return {video_id for _, video_id in self.places}


def correct(home: Home, channel: str, paths: Iterable[Path]) -> Corrections:
    """Keep what the sheets change in a channel's rows; return it.

    Raises:
        ConfigError: a sheet cannot be read, or a line of it fits nothing; nothing was kept.
    """
    edited = _edited(paths)
    done = Corrections(frozenset())

    def change(known: dict[str, Correction]) -> list[Correction]:
        nonlocal done
        before = dict(known)
        done = _apply(home, channel, edited, known)
        return [made for key, made in known.items() if made != before.get(key)]

    if edited:
        home.table("corrections").edit(channel, change)
    return done


def waiting(home: Home, channel: str, paths: Iterable[Path]) -> Corrections:
    """Return what the sheets would change, and keep nothing.

    Raises:
        ConfigError: as `correct` does.
    """
    edited = _edited(paths)
    known = dict(home.table("corrections").items(channel)) if edited else {}
    return _apply(home, channel, edited, known)


def undo(home: Home, channel: str, video_id: str) -> Corrections:
    """Take back all corrections of a video; return what they were."""
    table = home.table("corrections")
    known = table.digests(channel)
    keys = {(name, video_id): correction_key(key_of(video_id), name) for name in CHANGES}
    over = {place: key for place, key in keys.items() if key in known}
    table.remove(channel, over.values())
    return Corrections(frozenset(over))


def _edited(paths: Iterable[Path]) -> list[tuple[Place, list[Line]]]:
    """Return the lines by what they are about, where any was edited; transcripts come first."""
    sheets = [read_sheet(path) for path in paths]
    return [
        ((sheet.table, video_id), lines)
        for table in CHANGES
        for sheet in sheets
        if sheet.table == table
        for video_id, lines in _by_video(sheet.lines)
        if any(line.is_edited for line in lines)
    ]


def _apply(
    home: Home,
    channel: str,
    edited: Sequence[tuple[Place, Sequence[Line]]],
    known: dict[str, Correction],
) -> Corrections:
    """Bring the corrections that are known, by their keys, to what the lines say."""
    rows = _rows(home, channel, {place for place, _ in edited})
    places, overruling = set[Place](), list[Line]()
    for place, lines in edited:
        table, video_id = place
        if place not in rows:
            raise lines[0].wrong(f"channel {channel!r} has no {table} of {video_id!r}")
        key = correction_key(key_of(video_id), table)
        now = known.get(key)
        row = CORRECTED[table](rows[place], now) if now else rows[place]
        before = now or Correction(video_id=video_id, table=table)
        change = CHANGES[table](_talk(home, channel, video_id, known), row, before, lines)
        overruling += change.overruling
        if change.correction == before:
            continue
        places.add(place)
        if _says_something(change.correction):
            known[key] = change.correction
        else:
            known.pop(key, None)
    return Corrections(frozenset(places), tuple(overruling))


def _rows(home: Home, channel: str, places: Set[Place]) -> dict[Place, Any]:
    return {
        (table, row.video_id): row
        for table in CHANGES
        for row in home.table(table).rows(channel, [key_of(v) for t, v in places if t == table])
    }


def _talk(home: Home, channel: str, video_id: str, known: Mapping[str, Correction]) -> Talk:
    """Read what else is known of a video when that is asked."""
    key = key_of(video_id)

    def transcript() -> Transcript | None:
        found: Transcript | None = home.table("transcripts").get(channel, key)
        change = known.get(correction_key(key, "transcripts"))
        return corrected_transcript(found, change) if found and change else found

    def duration_seconds() -> float | None:
        video: Video | None = home.table("videos").get(channel, key)
        return video.duration_seconds if video else None

    return Talk(transcript, duration_seconds)


def _says_something(made: Correction) -> bool:
    return made.table == "chapters" or bool(made.segments or made.pairs)


def _by_video(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    ordered = sorted(lines, key=lambda line: line.words("video_id"))
    for video_id, group in groupby(ordered, key=lambda line: line.words("video_id")):
        yield video_id, list(group)
