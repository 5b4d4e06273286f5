"""What channels.yaml can set, stage by stage, with the default of each and what is allowed.

A field's description is what the user reads in an error. A setting that is None comes from a
preset, which lies in the room that uses it.
"""

import re
from datetime import date
from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from impressions_assets.channels.cron import cron_schedule


def _day(value: object) -> object:
    """Dates in one spelling: pydantic alone would also take seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("is not a date; write YYYY-MM-DD")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError("is not a language tag; write one such as en or pt-BR")
    return value


def absolute_location(value: str) -> str:
    """A place must mean the same to every process, whatever folder it was started in."""
    if not value.strip() or not value.isprintable():
        raise ValueError("is empty or holds a control character")
    if "://" not in value and not PurePath(value).is_absolute():
        raise ValueError("is relative, and processes start in different folders")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Language = Annotated[str, AfterValidator(_language)]
Location = Annotated[str, AfterValidator(absolute_location)]
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A mapping of the file: no unknown keys, no change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filters(Strict):
    """Which of the sources' videos belong to the channel."""

    since: Day | None = Field(default=None, description="first day of publication")
    until: Day | None = Field(default=None, description="last day of publication")
    title_includes: tuple[Words, ...] = Field(
        default=(), description="words, whatever their case: a title must hold one of them"
    )
    title_excludes: tuple[Words, ...] = Field(
        default=(), description="words, whatever their case: a title must hold none of them"
    )
    min_duration_seconds: Seconds | None = Field(
        default=None, description="shortest video, in seconds"
    )
    max_duration_seconds: Seconds | None = Field(
        default=None, description="longest video, in seconds"
    )
    shorts: bool = Field(default=True, description="whether Shorts belong")
    live: bool = Field(default=True, description="whether live streams belong")
    maximum: int | None = Field(
        default=None, ge=1, description="how many videos at most, newest first"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"since ({self.since}) is after until ({self.until})")
        low, high = self.min_duration_seconds, self.max_duration_seconds
        if low is not None and high is not None and low > high:
            raise ValueError(
                f"min_duration_seconds ({low:g}) is above max_duration_seconds ({high:g})"
            )
        return self


class TranscriptPolicy(Strict):
    """Which captions are taken."""

    policy: Literal["manual_first", "manual_only", "automatic_only"] = Field(
        default="manual_first",
        description="captions written by people, recognized ones, or the best",
    )
    translate: bool = Field(
        default=False,
        description="whether YouTube's machine translation counts where no preferred language is",
    )
    look_again_days: int = Field(
        default=14, ge=0, description="days after publication that missing captions are sought"
    )


class SpeechSettings(Strict):
    """When speech is recognized, and how."""

    use: Literal["captions", "captions_first", "whisperx"] = Field(
        default="captions",
        description="captions only, whisperx where they will not do, or whisperx for all",
    )
    where: tuple[Literal["missing", "automatic", "poor"], ...] = Field(
        default=("missing", "automatic", "poor"),
        description="for captions_first: captions that will not do: missing, automatic, poor",
    )
    min_quality: Share = Field(
        default=0.5,
        description="worth below which captions are poor, 0 to 1: stops, repetition, coverage",
    )
    names: tuple[Words, ...] = Field(
        default=(), description="names of the speakers, the one who talks longest first"
    )
    model: Words = Field(
        default="large-v3", description="name of a Whisper model, or whole path of its folder"
    )
    align_model: Words | None = Field(
        default=None, description="wav2vec2 model for word times; whisperx's own unless it is said"
    )
    diarize: bool = Field(default=True, description="whether speakers are told apart")
    diarization_model: Words | None = Field(
        default=None, description="pyannote pipeline; whisperx's own unless it is said"
    )
    min_speakers: int | None = Field(default=None, ge=1, description="speakers at least")
    max_speakers: int | None = Field(default=None, ge=1, description="speakers at most")
    beam_size: int = Field(default=5, ge=1, le=20, description="continuations that are followed")
    voice_activity: Literal["pyannote", "silero"] = Field(
        default="pyannote", description="what finds where somebody speaks"
    )
    device: Literal["auto", "cuda", "cpu"] = Field(
        default="auto", description="where it runs; auto takes a GPU when there is one"
    )
    compute_type: Words = Field(
        default="default", description="float16, int8, …: default is float16 on a GPU, else float32"
    )
    batch_size: int = Field(default=16, ge=1, description="windows of 30 seconds at once")
    threads: int = Field(default=4, ge=1, description="threads on the CPU")
    keep_audio: bool = Field(
        default=False, description="whether fetched sound is kept, about 1 MB a minute"
    )
    cpu_when_full: bool = Field(
        default=False, description="whether the CPU takes over where a GPU's memory ends"
    )


class ChapterSettings(Strict):
    """Chapters of videos for which neither YouTube nor the description lists any."""

    segment: bool = Field(
        default=True,
        description="whether they are cut from the transcript, with titles of its words",
    )
    min_duration_seconds: Seconds = Field(
        default=300.0, description="shorter videos are left whole, in seconds"
    )
    typical_seconds: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="length of a chapter to aim at; by the video's length unless it is said",
    )
    titles: Literal["key_phrases", "language_model"] = Field(
        default="key_phrases", description="who names those cut from the transcript"
    )


class QuestionRules(Strict):
    """How questions are recognized."""

    announcements: tuple[Words, ...] = Field(
        default=(), description="phrases before a question list, e.g. 'Questions from the audience'"
    )


class DocumentSettings(Strict):
    """How documents are cut and cleaned."""

    min_characters: int = Field(default=200, ge=0, description="shorter documents are rejected")
    structure: Literal["plain", "light"] = Field(
        default="plain", description="plain text, or light: with title and chapter headings"
    )
    val_fraction: float = Field(
        default=0.1, ge=0, le=0.5, description="share of the videos kept for validation, 0 to 0.5"
    )
    duplicate_similarity: float = Field(
        default=0.8,
        ge=0.5,
        le=1,
        description="share of runs of five words that makes two documents the same, 0.5 to 1; at 1,"
        " only equal words do",
    )


class TokenizerSettings(Strict):
    """How text becomes tokens."""

    kind: Literal["bpe", "gpt2", "cl100k_base", "o200k_base", "characters", "words", "json"] = (
        Field(default="bpe", description="bpe, characters and words are trained on the channel")
    )
    vocab_size: int = Field(
        default=8192, ge=2, le=1_000_000, description="tokens in a trained vocabulary"
    )
    path: Location | None = Field(
        default=None, description="whole path of a tokenizer file, for json"
    )
    unknown_words: Literal["characters", "mark"] = Field(
        default="characters",
        description="of kind words: a word that is not in the vocabulary is spelled in characters,"
        " or becomes one mark",
    )
    min_coverage: Share = Field(
        default=0.9, description="share of the videos that must be decided before training, 0 to 1"
    )
    retokenize_at: float = Field(
        default=4.0, gt=1, allow_inf_nan=False, description="growth of the text that trains it anew"
    )

    @model_validator(mode="after")
    def _json_has_a_path(self) -> Self:
        if self.kind == "json" and self.path is None:
            raise ValueError("kind json needs `path`, the whole path of the tokenizer's file")
        return self


class ModelSettings(Strict):
    """The size of the model: a preset, and what differs from it."""

    preset: Literal["debug", "baby", "small", "tinystories", "gpt2"] = Field(
        default="baby", description="size to start from"
    )
    recipe: Literal["modern", "classic"] | None = Field(
        default=None, description="modern, or classic: nanoGPT's GPT-2"
    )
    n_layer: int | None = Field(default=None, ge=1, description="blocks")
    n_head: int | None = Field(default=None, ge=1, description="attention heads; divides n_embd")
    n_embd: int | None = Field(default=None, ge=1, description="width")
    block_size: int | None = Field(default=None, ge=1, description="context, in tokens")
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="share dropped, 0 to below 1"
    )
    bias: bool | None = Field(default=None, description="biases, in the recipe classic only")
    tied: bool | None = Field(default=None, description="head shares the embedding")
    gelu: str | None = Field(default=None, description="exact, or tanh as in GPT-2's weights")


class TrainingSettings(Strict):
    """How the model is trained: a length, and what differs from it, by nanoGPT's names."""

    length: Literal["quick", "default", "long", "forever"] = Field(
        default="default", description="length to start from"
    )
    max_iters: int | None = Field(default=None, ge=0, description="iterations")
    max_epochs: float | None = Field(
        default=None, gt=0, description="passes over the data, instead of max_iters"
    )
    max_seconds: float | None = Field(default=None, gt=0, description="seconds until it stops")
    eval_interval: int | None = Field(
        default=None, ge=1, description="iterations between evaluations"
    )
    eval_iters: int | None = Field(default=None, ge=1, description="batches in an evaluation")
    log_interval: int | None = Field(default=None, ge=1, description="iterations between log lines")
    save_every: int | None = Field(default=None, ge=1, description="also keep each n-th iteration")
    save_each_epoch: bool | None = Field(default=None, description="also keep each epoch")
    patience: int | None = Field(
        default=None, ge=1, description="evaluations without a better one until it stops"
    )
    batch_size: int | None = Field(default=None, ge=1, description="sequences in a micro-batch")
    gradient_accumulation_steps: int | None = Field(
        default=None, ge=1, description="micro-batches a step"
    )
    learning_rate: float | None = Field(default=None, gt=0, description="highest learning rate")
    min_lr: float | None = Field(default=None, ge=0, description="learning rate at the end")
    warmup_iters: int | None = Field(default=None, ge=0, description="iterations of warmup")
    lr_decay_iters: int | None = Field(
        default=None, ge=1, description="iteration at which min_lr begins"
    )
    decay_lr: bool | None = Field(default=None, description="whether the rate decays")
    weight_decay: float | None = Field(default=None, ge=0, description="of matrices")
    beta1: float | None = Field(default=None, ge=0, lt=1, description="of AdamW")
    beta2: float | None = Field(default=None, ge=0, lt=1, description="of AdamW")
    grad_clip: float | None = Field(
        default=None, ge=0, description="highest gradient norm; 0 for none"
    )
    seed: int | None = Field(default=None, ge=0, description="seed of all randomness")
    device: Literal["auto", "cpu", "cuda", "mps"] | None = Field(
        default=None, description="where to train"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        default=None, description="precision"
    )
    processes: int | None = Field(
        default=None, ge=1, description="that share the windows of a step; one for each CUDA device"
    )
    activation_checkpointing: bool | None = Field(
        default=None, description="compute blocks twice: less memory, up to a third slower"
    )
    tensorboard: bool | None = Field(
        default=None, description="draw curves for TensorBoard, if it is installed"
    )
    compile: bool | None = Field(default=None, description="whether to use torch.compile")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.max_iters is not None and self.max_epochs is not None:
            raise ValueError("max_iters and max_epochs both give the length; write one of them")
        return self


class YouTubeSettings(Strict):
    """How YouTube is asked, by all channels together. Keys and proxies stand in the environment."""

    listing: Literal["auto", "api", "keyless"] = Field(
        default="auto", description="how videos are listed; auto takes the Data API with a key"
    )
    daily_quota_units: int = Field(
        default=9000, ge=1, description="Data API units a day, Pacific time; Google gives 10,000"
    )
    requests_per_second: float = Field(
        default=2.0,
        ge=0,
        allow_inf_nan=False,
        description="requests a second outside the Data API, of one process; 0 for no limit",
    )
    jitter: Share = Field(
        default=0.5, description="random share of the pause between requests, 0 to 1"
    )
    daily_videos: int | None = Field(
        default=2000, ge=1, description="videos a day whose captions are fetched; null for no limit"
    )
    timeout_seconds: float = Field(
        default=20.0, gt=0, allow_inf_nan=False, description="seconds to wait for an answer"
    )
    concurrency: int = Field(default=4, ge=1, le=32, description="requests at the same time")
    audio_bytes_per_second: int | None = Field(
        default=None, ge=1024, description="how fast audio is fetched; null for no limit"
    )
    check_every_minutes: float = Field(
        default=10.0,
        gt=0,
        allow_inf_nan=False,
        description="minutes between two looks at a feed; a look costs no quota",
    )


class RetrainPolicy(Strict):
    """When training starts by itself; never, unless it is said here."""

    after_new_tokens_percent: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="growth since the last training, in percent",
    )
    schedule: Annotated[str, AfterValidator(cron_schedule)] | None = Field(
        default=None,
        description="five cron fields (minute hour day month weekday), e.g. '0 3 * * 1'",
    )
