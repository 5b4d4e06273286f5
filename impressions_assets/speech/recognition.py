"""From what WhisperX said of a video to its transcript; what it made up is kept aside."""

from collections.abc import Sequence

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Transcript, Video
from impressions_assets.speech.hallucinations import without_loops, without_silence
from impressions_assets.speech.recognized import read_recognized, words_of
from impressions_assets.speech.sentences import sentences_of
from impressions_assets.speech.talkers import with_names

SILENT = "silence"  # the reason of a transcript without words


def recognized_transcript(video: Video, body: bytes, names: Sequence[str] = ()) -> Transcript:
    """Read what was recognized in a video.

    Args:
        video: the video.
        body: JSON as our recognizer writes it.
        names: of the speakers, the one who talks longest first.

    Raises:
        SourceBroken: the JSON is not what it should be; the message names the video.
    """
    try:
        recognized = read_recognized(body)
    except SourceBroken as error:
        raise SourceBroken(f"{video.video_id}: {error}") from error
    words, looped = without_loops(words_of(recognized), recognized.space)
    sentences = sentences_of(words, recognized.space)
    heard, unheard = without_silence(sentences, recognized.speech)
    return Transcript(
        video_id=video.video_id,
        origin="whisperx" if heard else "none",
        language=recognized.language,
        segments=tuple(with_names(heard, names)),
        dropped=(*looped, *unheard),
        reason="" if heard else SILENT,
        offered=video.tracks,
        notes=recognized.notes,
    )
