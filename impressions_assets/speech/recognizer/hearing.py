"""whisperx at work: speech to text, text to words with times, words to speakers.

What one step cannot do is said in a note, and the others go on: a language without an alignment
model gives sentences without word times, a token that opens no diarization model words without
speakers. Only audio that cannot be heard at all fails, and alone.
"""

import math
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import whisperx
from whisperx.diarize import DiarizationPipeline
from whisperx.utils import LANGUAGES

from impressions_assets.errors import SourceBroken
from impressions_assets.speech.recognizer.job import DETECT, Clip, Job
from impressions_assets.speech.recognizer.whisper import Whisper, is_out_of_memory

_RATE = 16_000
_BLOCK = 60 * _RATE
_SCALE = 32_768.0  # of samples of 16 bits
_OF_THE_CPU = "are the CPU's: the GPU's memory was full"
_WORD = ("word", "start", "end", "score", "speaker")
_NO_SPEAKERS = "no speakers: their model could not be had ({})"
_GATED = (
    f"{_NO_SPEAKERS}. It is free, but its owners ask who you are:"
    " accept the conditions on https://huggingface.co/pyannote/speaker-diarization-community-1,"
    " make a token on https://huggingface.co/settings/tokens, set HF_TOKEN, and have the video"
    " heard anew: `impressions redo VIDEO --from transcripts`"
)

Log = Callable[[str], None]
Step = Callable[[dict[str, Any], Any, list[str]], None]


class Ears:
    """The models of a job, each loaded when it is first needed."""

    def __init__(self, job: Job, log: Log) -> None:
        """Load the speech model.

        Raises:
            RecognitionError: there is no such model.
        """
        self._job, self._log = job, log
        self._whisper = Whisper(job, log)
        self._moved = False
        self._use(self._whisper.device)

    def _use(self, device: str) -> None:
        """Align and tell speakers apart on a device, with models that are yet to be loaded."""
        self._device = device
        self._aligners: dict[str, tuple[Any, Any] | str] = {}
        self._diarizer: DiarizationPipeline | str | None = None

    def hear(self, clip: Clip) -> dict[str, Any]:
        """What is said in a clip, as JSON values.

        Raises:
            SourceBroken: nothing can be heard in it.
        """
        audio = _load(clip)
        notes: list[str] = []
        language = _spoken(self._job.hearing.language or clip.language)
        if language and language not in LANGUAGES:
            notes.append(f"the language was detected: whisper knows none that is called {language}")
            language = None
        if language not in (None, "en") and not self._whisper.is_multilingual:
            notes.append(f"heard as English: the model knows no {LANGUAGES[language]}")
        found, speech = self._whisper.transcribe(audio, language)
        notes += self._whisper.notes
        if self._whisper.device == "cpu" != self._device:
            self._use("cpu")  # what a GPU holds knows nothing of memory elsewhere
        if found["segments"]:
            if self._moved:
                notes.append(f"times of words and speakers {_OF_THE_CPU}")
            self._fitted("times of words", self._align, found, audio, notes)
            self._fitted("speakers", self._give_speakers, found, audio, notes)
        return {
            "language": found["language"],
            "segments": [_segment(segment) for segment in found["segments"]],
            "speech": speech,
            "notes": notes,
            "duration_seconds": len(audio) / _RATE,
        }

    def _fitted(
        self, what: str, step: Step, found: dict[str, Any], audio: Any, notes: list[str]
    ) -> None:
        """Do a step; where memory ends, on the CPU where that is allowed, or else not at all."""
        try:
            step(found, audio, notes)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if self._device == "cuda" and self._job.cpu_when_full:
                notes.append(f"{what} {_OF_THE_CPU}")
                self._moved = True
                self._use("cpu")
                self._fitted(what, step, found, audio, notes)
                return
            notes.append(f"no {what}: the memory was full ({_first(error)})")

    def _align(self, found: dict[str, Any], audio: Any, notes: list[str]) -> None:
        """Give words their times."""
        aligner = self._aligner(found["language"])
        if isinstance(aligner, str):
            notes.append(aligner)
            return
        try:
            aligned = whisperx.align(found["segments"], *aligner, audio, self._device)
        except LookupError as error:  # of nltk, which whisperx splits sentences with
            notes.append(f"no times of words: nltk has no `punkt_tab` ({_first(error)})")
        else:
            found["segments"] = aligned["segments"]

    def _aligner(self, language: str) -> tuple[Any, Any] | str:
        if language not in self._aligners:
            name = self._job.hearing.align_model
            try:
                found = whisperx.load_align_model(language, self._device, model_name=name)
                self._aligners[language] = found
            except (ValueError, OSError, RuntimeError) as error:
                if is_out_of_memory(error):
                    raise
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
        turns = diarizer(
            audio, min_speakers=hearing.min_speakers, max_speakers=hearing.max_speakers
        )
        whisperx.assign_word_speakers(turns, found)

    def _diarize_with(self) -> DiarizationPipeline | str:
        if self._diarizer is None:
            name = self._job.hearing.diarization_model
            try:
                # The token is the environment's HF_TOKEN: what stands in a job stands in a file.
                self._diarizer = DiarizationPipeline(name, device=self._device)
            except Exception as error:
                # The hub's, the file's, the pipeline's: all theirs.
                if is_out_of_memory(error):
                    raise
                is_ours = name is not None and Path(name).is_absolute()
                self._diarizer = (_NO_SPEAKERS if is_ours else _GATED).format(_first(error))
                self._log(self._diarizer)
        return self._diarizer


def _spoken(tag: str | None) -> str | None:
    """A language as whisper calls it; None where it is to be detected."""
    language = (tag or DETECT).split("-")[0].lower()
    return None if language == DETECT else language


def _load(clip: Clip) -> Any:
    """The samples as whisperx.load_audio gives them, in a third of its memory at 11 hours."""
    try:
        with wave.open(clip.file) as sound:
            kind = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            if kind != (_RATE, 1, 2):
                raise SourceBroken(
                    f"{clip.video_id}: its audio is no WAV of 16 kHz, 16 bits, one channel"
                )
            audio = _samples(sound)
    except (OSError, EOFError, wave.Error) as error:
        raise SourceBroken(f"{clip.video_id}: its audio cannot be read ({error})") from error
    if not len(audio):
        raise SourceBroken(f"{clip.video_id}: its audio is 0 seconds long")
    return audio.numpy()


def _samples(sound: wave.Wave_read) -> torch.Tensor:
    samples, num_read = torch.empty(sound.getnframes()), 0
    while block := sound.readframes(_BLOCK):
        part = torch.frombuffer(bytearray(block), dtype=torch.int16)
        samples[num_read : num_read + len(part)] = part
        num_read += len(part)
    return samples[:num_read].div_(_SCALE)


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
