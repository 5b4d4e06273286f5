"""What a failure at YouTube means, in our errors: blocked is not absent, and gone is not broken.

What the library raises is never chained to ours: its messages fill pages, and those of the layers
below it show addresses with keys and signatures in them.
"""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from requests import RequestException, Response
from youtube_transcript_api import (
    AgeRestricted,
    FailedToCreateConsentCookie,
    InvalidVideoId,
    NotTranslatable,
    PoTokenRequired,
    RequestBlocked,
    TranscriptsDisabled,
    TranslationLanguageNotAvailable,
    YouTubeTranscriptApiException,
)
from youtube_transcript_api import VideoUnavailable as Gone
from youtube_transcript_api import VideoUnplayable as Unplayable

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceError,
    SourceMissing,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.sources.youtube.player import Player, player_in

FAILURES = (
    YouTubeTranscriptApiException,
    RequestException,
    ParseError,
    DefusedXmlException,
    AttributeError,  # these four: the library takes the shape of an answer for granted
    LookupError,
    TypeError,
    ValueError,
)
"""What youtube-transcript-api raises, on purpose or not."""

_CAPTCHA = b'class="g-recaptcha"'
_CAPTIONS = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(transcript|timedtext)\b")
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LIVE_AGAIN = timedelta(hours=2)


class NotCaptions(ValueError):
    """Something else came in the place of captions."""


def check_captions(body: bytes) -> bytes:
    """Return a track's bytes when they are captions at all.

    The library takes any page without text in its outermost elements for captions without a cue.
    """
    if _CAPTIONS.match(body):
        return body
    raise NotCaptions


def check_id(video_id: str) -> str:
    """Return an id that can be one of YouTube's; for any other, nothing need be asked."""
    if _VIDEO_ID.fullmatch(video_id):
        return video_id
    raise VideoUnavailable(
        f"video {video_id[:40]!r}: this is no id of YouTube's, which have 11 characters", "id"
    )


def block_in(raised: Exception, last: Response | None) -> str | None:
    """Say how YouTube took us for a robot, None when it did not."""
    if isinstance(raised, RequestBlocked) or (last is not None and _CAPTCHA in last.content):
        return f"it takes us for a robot ({_where(raised, last)})"
    if isinstance(raised, FailedToCreateConsentCookie):
        return f"it asks for consent again and again ({_where(raised, last)})"
    if isinstance(raised, Unplayable) and player_in(last).takes_us_for_a_robot:
        return f"it takes us for a robot ({player_in(last).words!r})"
    return None


def outcome_of(
    video_id: str, raised: Exception, last: Response | None, now: datetime
) -> SourceError:
    """Return our error for what was raised, which is no block; `last` is the last answer."""
    video = f"video {video_id}"
    player = player_in(last)
    if isinstance(raised, (Unplayable, TranscriptsDisabled)) and player.is_live:
        return not_yet(video_id, player, now)
    if isinstance(raised, (Unplayable, TranscriptsDisabled)) and player.may_pass:
        words = player.words or "neither that it can be played, nor why not"
        return SourceUnreachable(f"{video}: YouTube says {words!r}; it is tried again")
    if isinstance(raised, TranscriptsDisabled):
        return NoCaptions(f"{video}: it has no captions, or they are switched off", "disabled")
    if isinstance(raised, PoTokenRequired):
        return VideoUnavailable(
            f"{video}: YouTube gives its captions only to players with a PO token", "po_token"
        )
    if isinstance(raised, AgeRestricted):
        return VideoUnavailable(f"{video}: YouTube shows it only after a login, for its age", "age")
    if isinstance(raised, (Gone, InvalidVideoId)):
        return VideoUnavailable(f"{video}: YouTube does not have it (any more)", "gone")
    if isinstance(raised, Unplayable):
        words = player.words or "and does not say why"
        return VideoUnavailable(f"{video}: YouTube does not show it: {words}", player.reason)
    if isinstance(raised, (NotTranslatable, TranslationLanguageNotAvailable)):
        return track_missing(video_id)
    return SourceUnreachable(
        f"{video}: YouTube's answer makes no sense ({_where(raised, last)}); it is tried again"
    )


def not_yet(video_id: str, player: Player, now: datetime) -> NotYet:
    """Say when to look again at a stream that is to come, or goes on: some time after its start."""
    starts = player.starts
    until = max(starts or now, now) + _LIVE_AGAIN
    state = f"begins at {starts:%Y-%m-%d %H:%M} UTC" if starts and starts > now else "is live"
    return NotYet(f"video {video_id}: the stream {state}; captions come after its end", until)


def track_missing(video_id: str) -> SourceMissing:
    """Say that a track is on offer no more."""
    return SourceMissing(
        f"video {video_id}: the track that was on offer is there no more; it is asked anew"
    )


def _where(raised: Exception, last: Response | None) -> str:
    name = type(raised).__name__
    if isinstance(raised, RequestException) or last is None:
        return name
    return f"{name}, status {last.status_code} at {urlsplit(last.url).path}"
