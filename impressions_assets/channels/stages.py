"""What channels.yaml can set of the data, stage by stage, with the default of each.

A field's description is what the user reads in an error.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from impressions_assets.channels.fields import Day, Seconds, Share, SpokenLanguage, Strict, Words


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
    language: SpokenLanguage | None = Field(
        default=None,
        description="code of the language that is spoken, or detect; what the video says of"
        " itself, and where it says nothing, detected, unless it is said",
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

    @model_validator(mode="after")
    def _speakers_in_order(self) -> Self:
        least, most = self.min_speakers, self.max_speakers
        if least is not None and most is not None and least > most:
            raise ValueError(f"min_speakers ({least}) is above max_speakers ({most})")
        return self


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
