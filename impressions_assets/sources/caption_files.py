"""Caption files beside an info.json: whose they are, in which language, and who wrote them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Raw

from impressions_assets.rows import TrackFormat, TrackKind

FORMATS: Mapping[str, TrackFormat] = {
    "vtt": "vtt",
    "srt": "srt",
    "json3": "json3",
    "srv1": "timedtext",
    "srv2": "timedtext",
    "srv3": "timedtext",
    "ttml": "timedtext",
}

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9_-]+)*|und|mul|mis|zxx")
_RECOGNIZED = re.compile(rb"<\d\d:\d\d:\d\d\.\d{3}><c>|\"tOffsetMs\"|\"acAsrConf\"|<s [^>]*\bac=")
_FROM_TO = re.compile(r"[a-z]{2,3}-[a-z]{2,3}")  # how yt-dlp names a translation: `de-en`
_NUM_SEARCHED = 20_000


class CaptionFile(NamedTuple):
    """A caption file beside an info.json."""

    file_name: str
    language: str
    extension: str


def captions_by_stem(names: list[str], stems: frozenset[str]) -> dict[str, list[CaptionFile]]:
    """Caption files by the stem of their info.json: `<stem>.<language>.<ext>` or `<stem>.<ext>`."""
    found: dict[str, list[CaptionFile]] = {}
    for name in names:
        rest, _, extension = name.rpartition(".")
        if extension not in FORMATS:
            continue
        stem, _, language = rest.rpartition(".")
        if rest in stems or not _LANGUAGE.fullmatch(language):
            stem, language = rest, "und"
        found.setdefault(stem, []).append(CaptionFile(name, language, extension))
    return found


class Offer(NamedTuple):
    """What info.json says of a video's captions: languages by who wrote them."""

    manual: frozenset[str]
    automatic: frozenset[str]
    original: str | None

    def kind_of(self, language: str, data: bytes) -> TrackKind:
        """Who made a track: what info.json says, else what its content shows, else a person.

        yt-dlp prefers a person's captions when both are there. `Kind: captions` in a file's head
        tells nothing: YouTube writes it into both.
        """
        if language in self.manual:
            return "manual"
        if language not in self.automatic:
            return "automatic" if _RECOGNIZED.search(data, 0, _NUM_SEARCHED) else "manual"
        is_original = self.original is None or _base(language) == _base(self.original)
        is_translation = _FROM_TO.fullmatch(language) is not None
        return "automatic" if is_original and not is_translation else "translated"


def offer_of(subtitles: Raw, automatic_captions: Raw, language: str | None) -> Offer:
    """Read who wrote what. The original language is `language`, else the recognized (`en-orig`)."""
    automatic = _languages_of(automatic_captions)
    recognized = sorted(name for name in automatic if name.endswith("-orig"))
    original = language or (recognized[0].removesuffix("-orig") if recognized else None)
    return Offer(_languages_of(subtitles), automatic, original)


def _languages_of(captions: Raw) -> frozenset[str]:
    """The keys alone: the lists of addresses below them are skipped without decoding."""
    try:
        return frozenset(msgspec.json.decode(captions, type=dict[str, Raw]))
    except msgspec.DecodeError:
        return frozenset()


def _base(language: str) -> str:
    return language.partition("-")[0].lower()
