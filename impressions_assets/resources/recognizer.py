"""From videos that want it to recognized speech: sound is fetched, a child hears it, all is kept.

A batch is one process, which loads the models once. What it finished is kept whatever became of
it; the video that it was at when it died is tried again later, and the others are as due as before.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from impressions_assets.channels.channel import Channel
from impressions_assets.channels.stages import SpeechSettings
from impressions_assets.errors import (
    RecognitionError,
    RecognizerDied,
    SourceError,
    SourceMissing,
    SourcePaused,
    StorageError,
)
from impressions_assets.rows import Failed, Video
from impressions_assets.sources.audio import write_wav
from impressions_assets.sources.sounds import Sounds
from impressions_assets.sources.source import Log, Source, access_of
from impressions_assets.speech.choice import STAGE
from impressions_assets.speech.heard import Heard
from impressions_assets.speech.recognizer.job import Clip, Hearing, Job, loaded
from impressions_assets.storage.attempts import attempts, keep_pause, settle
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home

_BATCH_SECONDS = 2 * 3600.0
_LEAST_BATCH_SECONDS = 600.0
_BATCHES_EACH = 2
_BATCH_VIDEOS = 50
_UNKNOWN_SECONDS = 600.0
_HEARD = "heard.wav"
_LOOK_SECONDS = 1.0
_WAITS = (1.0, 4.0, 15.0, 60.0, 120.0)  # seconds between tries to keep what was recognized

RunChild = Callable[[Path], None]


def hearing_of(settings: SpeechSettings) -> Hearing:
    """What of a channel's settings changes the words."""
    return Hearing(**settings.model_dump(include=set(Hearing.__dataclass_fields__)))


def batches_of(videos: Sequence[Video], workers: int = 1) -> list[list[Video]]:
    """Cut work into processes, the longest first: two hours of sound each, or what keeps all busy.

    Several workers get a few batches each, so that none waits long for the last of another; but
    a batch loads the models anew, so that minutes of sound are not worth one.
    """
    length = _BATCH_SECONDS
    if workers > 1:
        share = sum(map(_seconds, videos)) / (_BATCHES_EACH * workers)
        length = min(length, max(share, _LEAST_BATCH_SECONDS))
    batches: list[list[Video]] = []
    seconds = 0.0
    for video in sorted(videos, key=lambda one: (-_seconds(one), one.video_id)):
        if not batches or seconds + _seconds(video) > length or len(batches[-1]) >= _BATCH_VIDEOS:
            batches.append([])
            seconds = 0.0
        batches[-1].append(video)
        seconds += _seconds(video)
    return batches


class Kept:
    """What of a batch is recognized, kept as soon as it is: whoever dies then, it stays done."""

    def __init__(self, heard: Heard, clips: Sequence[Clip], log: Log) -> None:
        """Keep nothing yet."""
        self.video_ids: set[str] = set()
        self._heard, self._clips, self._log = heard, clips, log

    @contextmanager
    def as_it_comes(self) -> Iterator[None]:
        """Look for results while the block runs."""
        over = Event()
        with ThreadPoolExecutor(1, "kept") as pool:
            pool.submit(self._watch, over)
            try:
                yield
            finally:
                over.set()

    def last(self) -> StorageError | None:
        """Keep what is not kept yet, also of one that died; what hindered it for minutes."""
        trouble: StorageError | None = None
        for wait in (0.0, *_WAITS):
            time.sleep(wait)
            try:
                self._keep()
            except StorageError as error:  # hours of work would be lost
                self._log(f"what was recognized is yet to be kept: {error}")
                trouble = error
            else:
                return None
        return trouble

    def _watch(self, over: Event) -> None:
        while not over.wait(_LOOK_SECONDS):
            try:
                self._keep()
            except StorageError as error:  # hours of work may outlast it
                self._log(f"what was recognized is yet to be kept: {error}")

    def _keep(self) -> None:
        files = {clip.video_id: Path(clip.out) for clip in self._clips}
        bodies = {
            video_id: file.read_bytes()
            for video_id, file in files.items()
            if video_id not in self.video_ids and file.exists()
        }
        if bodies:
            self._heard.keep(bodies)
            self.video_ids |= bodies.keys()


@dataclass(frozen=True)
class Recognizer:
    """Recognizes the videos of a channel, and keeps what comes of it."""

    home: Home
    channel: str
    settings: SpeechSettings
    sources: Sequence[Source]
    access: str
    """Names how sound and models are reached: a change lifts failures."""

    @property
    def heard(self) -> Heard:
        """What was recognized this way."""
        return Heard(self.home, hearing_of(self.settings))

    def due(self, video_ids: Iterable[str], now: datetime | None = None) -> list[Video]:
        """Of some videos, those to recognize now: neither done, nor waiting for another try."""
        now = now or datetime.now(UTC)
        keys = {key_of(video_id) for video_id in video_ids}
        videos = [row for _, row in self.home.table("videos").items(self.channel, sorted(keys))]
        done = self.heard.marks(video.video_id for video in videos)
        failed = attempts(self.home, self.channel, STAGE)

        def waits(video: Video) -> bool:
            attempt = failed.get(key_of(video.video_id))
            if attempt is None or attempt.made_from != self._tried_with(video):
                return False
            return attempt.next_try is None or datetime.fromisoformat(attempt.next_try) > now

        return [v for v in videos if key_of(v.video_id) not in done and not waits(v)]

    def recognize(self, videos: Sequence[Video], folder: Path, run: RunChild, log: Log) -> None:
        """Recognize a batch; what failed stands in `attempts`.

        Args:
            videos: those that are due.
            folder: for the sound, until it was heard.
            run: starts a recognizer with a job, and returns when it ends.
            log: told what goes on.

        Raises:
            StorageError: the disk is full; what had room before is recognized.
            RecognitionError: nothing can be recognized at all.
        """
        failures: list[Failed] = []
        clips: list[Clip] = []
        full: StorageError | None = None
        pause: SourcePaused | None = None
        try:
            for clip in self._clips(videos, folder, failures, log):
                clips.append(clip)
        except SourcePaused as error:  # nothing is said of that one and of those that follow
            log(str(error))
            pause = error
        except StorageError as error:
            full = error
        kept, job_file = Kept(self.heard, clips, log), folder / "job.json"
        trouble = self._run(clips, job_file, run, kept) if clips else None
        full = kept.last() or full
        failures += _told(clips)
        known = kept.video_ids | {failure.video_id for failure in failures}
        left = [clip.video_id for clip in clips if clip.video_id not in known]
        # Of the video that it was at; who died while its model was loaded was at none.
        if isinstance(trouble, RecognizerDied) and left and loaded(job_file).exists():
            log(f"{left[0]}: {trouble}")
            failures.append(Failed(video_id=left[0], error=f"{left[0]}: {trouble}", retry=True))
            trouble = None
        made_from = {video.video_id: self._tried_with(video) for video in videos}
        done = {key_of(video_id) for video_id in kept.video_ids}
        now = datetime.now(UTC)
        settle(self.home, self.channel, STAGE, done, failures, made_from, now)
        keep_pause(self.home, self.channel, STAGE, pause)
        if over := trouble or full:
            raise over

    def _tried_with(self, video: Video) -> str:
        """Tells one try from another: a video that can be had again is tried again."""
        status = () if video.status == "ok" else (video.status,)
        return digest_of(self.heard.engine, self.access, *status)

    def _run(
        self, clips: Sequence[Clip], job_file: Path, run: RunChild, kept: Kept
    ) -> RecognitionError | None:
        self._job(clips).save(job_file)
        try:
            with kept.as_it_comes():
                run(job_file)
        except RecognitionError as error:
            return error
        return None

    def _job(self, clips: Sequence[Clip]) -> Job:
        how = self.settings.model_dump(
            include={"device", "compute_type", "batch_size", "threads", "cpu_when_full"}
        )
        return Job(tuple(clips), hearing_of(self.settings), **how)

    def _clips(
        self, videos: Sequence[Video], folder: Path, failures: list[Failed], log: Log
    ) -> Iterator[Clip]:
        for number, video in enumerate(videos):
            place = folder / f"{number}"
            place.mkdir()
            try:
                seconds = self._sound(video, place, log)
            except SourcePaused:
                raise
            except StorageError:
                shutil.rmtree(place)  # those before it need the room
                raise
            except SourceError as error:
                log(str(error))
                failures.append(
                    Failed(video_id=video.video_id, error=str(error), retry=error.retry)
                )
                continue
            log(f"{video.video_id}: {seconds / 60:.1f} minutes of sound")
            wav, out = str(place / _HEARD), str(place / "recognized.json")
            yield Clip(video.video_id, wav, out, video.language or None)

    def _sound(self, video: Video, place: Path, log: Log) -> float:
        sounds = Sounds(self.home)
        kept = sounds.fetch(video.video_id, place)
        file = kept or self._from_source(video, place, log)
        seconds = write_wav(file, place / _HEARD, video.video_id)
        if file.parent == place:  # it was fetched
            if self.settings.keep_audio and not kept:
                sounds.keep(video.video_id, file)
            os.unlink(file)
        return seconds

    def _from_source(self, video: Video, place: Path, log: Log) -> Path:
        ours = [source for source in self.sources if source.kind == video.source]
        found = (source.sound(video, place, log) for source in ours)
        file = next((file for file in found if file), None)
        if file is None:
            raise SourceMissing(
                f"{video.video_id}: there is no sound of it: put the audio or the video beside its"
                " info.json (yt-dlp -f bestaudio)"
            )
        return file


def recognizer_of(home: Home, channel: Channel, sources: Sequence[Source]) -> Recognizer:
    """Return what recognizes a channel; how whisperx is reached only its own pod knows."""
    return Recognizer(home, channel.name, channel.speech, sources, access_of(sources))


def _told(clips: Sequence[Clip]) -> list[Failed]:
    """What the recognizer could not hear, as it wrote it beside where the result would be."""
    files = ((clip, Path(clip.out).with_suffix(".error")) for clip in clips)
    return [
        Failed(video_id=clip.video_id, error=file.read_text(encoding="utf-8"))
        for clip, file in files
        if file.exists()
    ]


def _seconds(video: Video) -> float:
    return video.duration_seconds or _UNKNOWN_SECONDS
