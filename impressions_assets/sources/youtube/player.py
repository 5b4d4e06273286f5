"""What YouTube's player says of a video: playable or not and why, live or not, its tracks.

youtube-transcript-api reads the same answer, but tells neither when a stream begins, nor that it
runs, nor the words of a private video's refusal.
"""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from requests import Response

_PATH = "/youtubei/v1/player"
_ROBOT = re.compile(r"not a bot|unusual traffic|content isn't available, try again later", re.I)
_PASSING = re.compile(r"try again|check back|being processed|went wrong|an error occurred", re.I)
_LIVE = re.compile(r"live event will begin|premieres? (in|will begin)", re.I)
_REASONS = {
    "private": r"private",
    "members": r"members|join this channel",
    "age": r"\bage\b|inappropriate",
    "region": r"country|region|location",
    "paid": r"payment|purchase|\brent\b|premium",
    "gone": r"unavailable|removed|terminated|no longer|deleted|closed",
}


class Playability(Struct, rename="camel"):
    """Whether it can be played, and YouTube's words when it cannot."""

    status: str = ""
    reason: str = ""
    messages: list[str] = []
    error_screen: Any = None
    live_streamability: Any = None


class Details(Struct, rename="camel"):
    """Whether it is live now, or to come."""

    is_live: bool = False
    is_upcoming: bool = False


class Player(Struct, rename="camel"):
    """The player's answer, as much of it as matters to captions."""

    playability_status: Playability = msgspec.field(default_factory=Playability)
    video_details: Details = msgspec.field(default_factory=Details)
    captions: Any = None

    @property
    def words(self) -> str:
        """What YouTube says of a video that it does not show, in one line."""
        said = self.playability_status
        screen = _inside(said.error_screen, "playerErrorMessageRenderer")
        texts = [said.reason, *said.messages]
        texts += [_text(_inside(screen, part)) for part in ("reason", "subreason")]
        once = dict.fromkeys(" ".join(text.split()) for text in texts if text)
        return ". ".join(text.rstrip(".") for text in once)[:200]

    @property
    def is_playable(self) -> bool:
        """Whether it can be played, as far as the answer says."""
        return self.playability_status.status in ("OK", "")

    @property
    def takes_us_for_a_robot(self) -> bool:
        """Whether the refusal is meant for us, and says nothing of the video."""
        said = self.playability_status.reason or self.words
        return not self.is_playable and bool(_ROBOT.search(said.replace("’", "'")))

    @property
    def may_pass(self) -> bool:
        """Whether it says nothing of the video, or that it is not shown for the moment only."""
        return not self.playability_status.status or (
            not self.is_playable and bool(_PASSING.search(self.words))
        )

    @property
    def is_live(self) -> bool:
        """Whether it is a stream or a premiere that is to come, or goes on."""
        return (
            self.video_details.is_live
            or self.video_details.is_upcoming
            or self.playability_status.status == "LIVE_STREAM_OFFLINE"
            or (not self.is_playable and bool(_LIVE.search(self.words)))
        )

    @property
    def starts(self) -> datetime | None:
        """When a stream begins, if YouTube says so."""
        path = ("liveStreamabilityRenderer", "offlineSlate", "liveStreamOfflineSlateRenderer")
        slate = _inside(self.playability_status.live_streamability, *path)
        seconds = str(_inside(slate, "scheduledStartTime") or "")
        return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() else None

    @property
    def reason(self) -> str:
        """Why a video is not shown, in a word."""
        for word, pattern in _REASONS.items():
            if re.search(pattern, self.words, re.I):
                return word
        return "unplayable"

    @property
    def tracklist(self) -> dict[str, Any]:
        """The list of caption tracks, as YouTube writes it; empty without captions."""
        return _inside(self.captions, "playerCaptionsTracklistRenderer") or {}


def player_in(response: Response | None) -> Player:
    """Read the player's answer; an empty one when the response is of something else, or broken."""
    if response is None or _PATH not in response.url:
        return Player()
    try:
        return msgspec.json.decode(response.content, type=Player)
    except msgspec.MsgspecError:
        return Player()


def _inside(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    """Text in one of the two ways in which YouTube writes it."""
    runs = _inside(value, "runs")
    if isinstance(runs, list):
        return "".join(str(_inside(run, "text") or "") for run in runs)
    return str(_inside(value, "simpleText") or "")
