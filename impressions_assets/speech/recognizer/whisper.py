"""Whisper through whisperx: batched, with less at once where the memory of a GPU ends."""

import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import whisperx

from impressions_assets.errors import RecognitionError
from impressions_assets.speech.recognizer.job import Job

Region = tuple[float, float]

_FULL = ("out of memory", "can't allocate memory", "alloc_failed")  # CTranslate2, torch, cuBLAS


class Whisper:
    """The speech model of a job, on the device where it fits."""

    def __init__(self, job: Job, log: Callable[[str], None]) -> None:
        """Load it.

        Raises:
            RecognitionError: the job wants CUDA where there is none, or its model is none.
        """
        self._job, self._log = job, log
        self._batch_size = job.batch_size
        torch.set_num_threads(job.threads)  # of alignment and speakers, too
        self.device = _device_of(job)
        self.notes: list[str] = []
        """What was not done as the job wants it."""
        self._speech: list[Region] = []
        self._load()

    @property
    def is_multilingual(self) -> bool:
        """Whether the model knows other languages than English."""
        return bool(self._model.model.model.is_multilingual)

    def transcribe(self, audio: Any, language: str | None) -> tuple[dict[str, Any], list[Region]]:
        """Recognize audio; returns whisperx's result, and where speech was heard."""
        if not self.is_multilingual:
            language = "en"
        while True:
            self._speech = []
            try:
                found = self._model.transcribe(
                    audio, batch_size=self._batch_size, language=language
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._use_less(error)
            else:
                return found, self._speech

    def _load(self) -> None:
        job = self._job
        self._log(f"loading {job.hearing.model} on {self.device}")
        _check_folder(job.hearing.model)
        try:
            self._model = whisperx.load_model(
                job.hearing.model,
                self.device,
                compute_type=job.compute_type,
                asr_options={"beam_size": job.hearing.beam_size},
                vad_method=job.hearing.voice_activity,
                threads=job.threads,
            )
        except (RuntimeError, ValueError, OSError, MemoryError) as error:
            if is_out_of_memory(error):
                if not self._may_go_to_cpu():
                    raise self._too_large(f"the speech model {job.hearing.model!r}") from error
                self._go_to_cpu()
                return
            raise RecognitionError(
                f"the speech model {job.hearing.model!r} cannot be loaded with compute type"
                f" {job.compute_type!r}: {str(error).rstrip('. ')}. {_what_to_do(job)}"
            ) from error
        self._listen_to_voice_activity()

    def _listen_to_voice_activity(self) -> None:
        """Keep what transcribing throws away: where in a window of 30 seconds somebody speaks."""
        vad = self._model.vad_model
        merge = vad.merge_chunks

        def listening(*args: Any, **kwargs: Any) -> Any:
            chunks = merge(*args, **kwargs)
            self._speech += [
                (round(start, 3), round(end, 3))
                for chunk in chunks
                for start, end in chunk["segments"]
            ]
            return chunks

        vad.merge_chunks = listening

    def _use_less(self, error: BaseException) -> None:
        torch.cuda.empty_cache()
        if self._batch_size > 1:
            self._batch_size //= 2
            self._log(f"{self._memory} is full: going on with {self._batch_size} windows at once")
        elif self._may_go_to_cpu():
            self._go_to_cpu()
        else:
            raise self._too_large("a single window of 30 seconds") from error

    @property
    def _memory(self) -> str:
        return "the GPU's memory" if self.device == "cuda" else "this machine's memory"

    def _too_large(self, what: str) -> RecognitionError:
        cpu = ", or allow the CPU with `cpu_when_full: true`" if self.device == "cuda" else ""
        return RecognitionError(
            f"{what} does not fit into {self._memory}: take a smaller model, or"
            f" `compute_type: int8`{cpu}"
        )

    def _may_go_to_cpu(self) -> bool:
        return self._job.cpu_when_full and self.device == "cuda"

    def _go_to_cpu(self) -> None:
        told = "recognized on the CPU: the GPU's memory was full"
        self._log(told)
        self.notes = [told]
        self.device, self._model = "cpu", None
        gc.collect()
        torch.cuda.empty_cache()
        self._load()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory is full: torch has a class for a GPU's, others only words."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in _FULL)


def _device_of(job: Job) -> str:
    if job.device == "cuda" and not torch.cuda.is_available():
        raise RecognitionError(
            "`device: cuda`, but whisperx's environment sees no GPU: is one free, and is its torch"
            " built for CUDA? Or write `device: auto`"
        )
    if job.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return job.device


def _what_to_do(job: Job) -> str:
    if _is_known(job.compute_type):
        return (
            "One of whisper's (large-v3, medium, …) is downloaded once from https://huggingface.co:"
            " where that cannot be reached, give the whole path of a folder that CTranslate2"
            " converted, fetched elsewhere"
        )
    return "compute_type is default, auto, int8, int16, float16, bfloat16, float32 or int8_…"


def _is_known(compute_type: str) -> bool:
    return (
        re.fullmatch("default|auto|int8(_b?float(16|32))?|int16|b?float16|float32", compute_type)
        is not None
    )


def _check_folder(model: str) -> None:
    folder = Path(model)
    if folder.is_absolute() and not (folder / "model.bin").is_file():
        lack = "it has no model.bin" if folder.is_dir() else "there is no such folder"
        raise RecognitionError(
            f"{model} is no speech model: {lack}. Convert one with"
            " `ct2-transformers-converter --model FOLDER --output_dir FOLDER --copy_files"
            " tokenizer.json preprocessor_config.json`"
        )
