"""whisperx at work: speech to text, text to words with times, words to speakers.

What one step cannot do is said in a note, and the others go on: a language without an alignment
model gives sentences without word times, a token that opens no diarization model words without
speakers. Only audio that cannot be heard at all fails, and alone.
"""

import math
from collections.abc import Callable
from typing import Any

import whisperx
from whisperx.diarize import DiarizationPipeline
from whisperx.utils import LANGUAGES

from impressions_assets.errors import SourceBroken
from impressions_assets.speech.recognizer.job import Clip, Job
from impressions_assets.speech.recognizer.whisper import Whisper, is_out_of_memory

_RATE = 16_000
_WORD = ("word", "start", "end", "score", "speaker")
_GATED = (
    "no speakers: their model could not be had ({}). It is free, but its owners ask who you are:"
    " accept the conditions on https://huggingface.co/pyannote/speaker-diarization-community-1,"
    " make a token on https://huggingface.co/settings/tokens and set HF_TOKEN"
)

Log = Callable[[str], None]


class Ears:
    """The models of a job, each loaded when it is first needed."""

    def __init__(self, job: Job, log: Log) -> None:
        """Load the speech model.

        Raises:
            RecognitionError: there is no such model.
        """
        self._job, self._log = job, log
        self._whisper = Whisper(job, log)
        self._aligners: dict[str, tuple[Any, Any] | str] = {}
        self._diarizer: DiarizationPipeline | str | None = None

    def hear(self, clip: Clip) -> dict[str, Any]:
        """What is said in a clip, as JSON values.

        Raises:
            SourceBroken: nothing can be heard in it.
        """
        audio = _load(clip)
        notes: list[str] = []
        language = clip.language
        if language and language not in LANGUAGES:
            notes.append(f"the language was detected: whisper knows none that is called {language}")
            language = None
        if language not in (None, "en") and not self._whisper.is_multilingual:
            notes.append(f"heard as English: the model knows no {LANGUAGES[language]}")
        found, speech = self._whisper.transcribe(audio, language)
        notes += self._whisper.notes
        if found["segments"]:
            found = self._aligned(found, audio, notes)
            self._give_speakers(found, audio, notes)
        return {
            "language": found["language"],
            "segments": [_segment(segment) for segment in found["segments"]],
            "speech": speech,
            "notes": notes,
            "duration_seconds": len(audio) / _RATE,
        }

    def _aligned(self, found: dict[str, Any], audio: Any, notes: list[str]) -> dict[str, Any]:
        """Give words their times."""
        language = found["language"]
        aligner = self._aligner(language)
        if isinstance(aligner, str):
            notes.append(aligner)
            return found
        device = self._whisper.device
        try:
            aligned = whisperx.align(found["segments"], *aligner, audio, device)
        except LookupError as error:  # of nltk, which whisperx splits sentences with
            notes.append(f"no times of words: nltk has no `punkt_tab` ({_first(error)})")
            return found
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            notes.append("no times of words: the GPU's memory was full")
            return found
        return {"segments": aligned["segments"], "language": language}

    def _aligner(self, language: str) -> tuple[Any, Any] | str:
        if language not in self._aligners:
            name = self._job.hearing.align_model
            try:
                found = whisperx.load_align_model(language, self._whisper.device, model_name=name)
                self._aligners[language] = found
            except (ValueError, OSError, RuntimeError) as error:
                told = f"no times of words: no alignment model for {language} ({_first(error)})"
                self._log(told)
                self._aligners[language] = told
        return self._aligners[language]

    def _give_speakers(self, found: dict[str, Any], audio: Any, notes: list[str]) -> None:
        """Say of each word who says it."""
        hearing = self._job.hearing
        if not hearing.diarize:
            return
        diarizer = self._diarize_with()
        if isinstance(diarizer, str):
            notes.append(diarizer)
            return
        try:
            turns = diarizer(
                audio, min_speakers=hearing.min_speakers, max_speakers=hearing.max_speakers
            )
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            notes.append("no speakers: the GPU's memory was full")
            return
        whisperx.assign_word_speakers(turns, found)

    def _diarize_with(self) -> DiarizationPipeline | str:
        if self._diarizer is None:
            try:
                # The token is the environment's HF_TOKEN: what stands in a job stands in a file.
                self._diarizer = DiarizationPipeline(
                    self._job.hearing.diarization_model, device=self._whisper.device
                )
            except Exception as error:  # noqa: BLE001 - the hub, the file, the pipeline: all theirs
                self._diarizer = _GATED.format(_first(error))
                self._log(self._diarizer)
        return self._diarizer


def _load(clip: Clip) -> Any:
    try:
        audio = whisperx.load_audio(clip.file)
    except RuntimeError as error:
        raise SourceBroken(
            f"{clip.video_id}: its audio cannot be read ({str(error).strip()[-200:]})"
        ) from error
    if not len(audio):
        raise SourceBroken(f"{clip.video_id}: its audio is 0 seconds long")
    return audio


def _segment(segment: dict[str, Any]) -> dict[str, Any]:
    """What is worth keeping of a segment; NaN is no number in JSON."""
    said = segment.get("words") or []
    words = [_without_gaps({name: word.get(name) for name in _WORD}) for word in said]
    told = {name: segment.get(name) for name in ("start", "end", "text", "speaker", "avg_logprob")}
    return {**_without_gaps(told), "words": words}


def _without_gaps(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if value is not None and (isinstance(value, str) or math.isfinite(value))
    }


def _first(error: BaseException) -> str:
    """The first line of what a library said, or what it is called."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
