"""Captions or a recognizer: what a channel wants, and what its captions are worth."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from msgspec.structs import replace

from impressions_assets.channels.channel import Channel
from impressions_assets.errors import SourceError
from impressions_assets.rows import Failed, Transcript, Video
from impressions_assets.speech.quality import quality_of
from impressions_assets.speech.recognition import recognized_transcript
from impressions_assets.storage.home import Home

Use = Literal["captions", "captions_first", "whisperx"]
Lack = Literal["missing", "automatic", "poor"]

BodyOf = Callable[[str], bytes | None]

STAGE = "speech"  # of the attempts at what a recognizer is to hear
WANTED = "speech recognition is to come: "  # begins the note of a row that waits for it
CHOSEN = "recognized: "
EARLIER = "recognized in another way, as was set before"


class Choice(NamedTuple):
    """When a channel wants its speech recognized."""

    use: Use = "captions"
    where: Sequence[Lack] = ("missing", "automatic", "poor")
    """For `captions_first`: what captions must lack."""
    min_quality: float = 0.5
    """Captions that are worth less are poor."""
    names: Sequence[str] = ()
    """Of the speakers, the one who talks longest first."""

    def reason(self, video: Video, captions: Transcript) -> str:
        """Why the speech of a video should be recognized; '' when its captions will do."""
        if self.use == "captions" or captions.origin == "text" or video.status == "live":
            return ""
        if self.use == "whisperx":
            return "the channel takes whisperx"
        return next((why for lack, why in self._lacks(video, captions) if lack in self.where), "")

    def _lacks(self, video: Video, captions: Transcript) -> Iterator[tuple[Lack, str]]:
        if captions.origin == "none":
            yield "missing", f"no captions ({captions.reason})"
        elif captions.origin in ("automatic", "translated"):
            yield "automatic", f"captions are {captions.origin}"
        else:
            quality = quality_of(captions, video.duration_seconds)
            if quality.worst < self.min_quality:
                yield "poor", f"captions are poor: {quality}"


def wanted(home: Home, channel: Channel) -> list[str]:
    """The videos of a channel whose transcripts wait for a recognizer."""
    if channel.speech.use == "captions":
        return []
    rows = home.table("transcripts").columns(channel.name, "video_id", "notes")
    return [video_id for video_id, notes in rows if any(n.startswith(WANTED) for n in notes or ())]


def chosen(
    choice: Choice,
    videos: dict[str, Video],
    outcomes: Iterator[Transcript | Failed],
    body_of: BodyOf,
    earlier_of: BodyOf = lambda video_id: None,
) -> Iterator[Transcript | Failed]:
    """Put what was recognized in the place of captions that will not do, and say why.

    Args:
        choice: of the channel.
        videos: by id, each there before its outcome; it is taken out with it.
        outcomes: what captions give.
        body_of: what was recognized in a video, if anything was.
        earlier_of: what was in another way, which does until then.
    """
    for outcome in outcomes:
        video = videos.pop(outcome.video_id)
        if isinstance(outcome, Failed):
            yield outcome
            continue
        reason = choice.reason(video, outcome)
        yield _better(choice, video, outcome, reason, body_of, earlier_of) if reason else outcome


def _better(
    choice: Choice,
    video: Video,
    captions: Transcript,
    reason: str,
    body_of: BodyOf,
    earlier_of: BodyOf,
) -> Transcript | Failed:
    body = body_of(video.video_id)
    if body is None:
        return _until_then(choice, video, captions, reason, earlier_of(video.video_id))
    try:
        heard = recognized_transcript(video, body, choice.names)
    except SourceError as error:
        return Failed(video_id=video.video_id, error=str(error), retry=error.retry)
    if heard.origin == "none" and captions.segments:
        return replace(captions, notes=(*captions.notes, "whisperx heard nothing: captions stay"))
    return replace(heard, notes=(f"{CHOSEN}{reason}", *heard.notes))


def _until_then(
    choice: Choice, video: Video, captions: Transcript, reason: str, earlier: bytes | None
) -> Transcript:
    """What does until a video is heard as the channel wants it: words of before, or captions."""
    wanted = f"{WANTED}{reason}"
    if earlier is not None:
        with suppress(SourceError):
            heard = recognized_transcript(video, earlier, choice.names)
            if heard.segments:
                return replace(heard, notes=(wanted, EARLIER, *heard.notes))
    return replace(captions, notes=(*captions.notes, wanted))
