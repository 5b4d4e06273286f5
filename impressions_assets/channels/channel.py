"""What a channel is: the schema of `channels.yaml`, as frozen pydantic models.

A channel joins sources, which stand here, and settings for each stage, which stand in
`channel_settings` and `writing_settings`. Reading and editing the file's text is `channel_file`'s
work, understanding a command line's argument `source_argument`'s.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from impressions_assets.channels.chat import ChatSettings
from impressions_assets.channels.fields import Language, Location, Strict, Words, absolute_location
from impressions_assets.channels.scope import ScopeSettings
from impressions_assets.channels.search import SearchSettings
from impressions_assets.channels.stages import (
    ChapterSettings,
    DocumentSettings,
    Filters,
    QuestionRules,
    SpeechSettings,
    TranscriptPolicy,
    YouTubeSettings,
)
from impressions_assets.channels.training import (
    ModelSettings,
    RetrainPolicy,
    TokenizerSettings,
    TrainingSettings,
)
from impressions_assets.channels.writing import ArticleSettings, LanguageModelSettings
from impressions_assets.channels.youtube_links import canonical_url
from impressions_assets.transforms import ChosenTransform

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
NAME_RULE = "1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or a digit"


def _dataset(value: str) -> str:
    """A name on the Hugging Face hub (`owner/name`), or a place."""
    is_name = re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", value)
    return value if is_name else absolute_location(value)


def _statement(value: str) -> str:
    """A permission in words: `permission: no` is text here, and would publish."""
    if value.strip().casefold() in ("yes", "no", "true", "false", "on", "off"):
        raise ValueError("does not say who allowed it; write that as a sentence, or remove the key")
    return value


class YouTubeSource(Strict):
    """A channel, a playlist or a video on YouTube; the link is kept in its one spelling."""

    kind: ClassVar[str] = "youtube"
    youtube: Annotated[str, AfterValidator(canonical_url)] = Field(
        description="link to a channel, a playlist or a video on YouTube"
    )


class ArchiveSource(Strict):
    """A folder that yt-dlp left: `*.info.json` with caption files beside it."""

    kind: ClassVar[str] = "archive"
    archive: Location = Field(description="whole path of a folder that yt-dlp wrote")


class TextSource(Strict):
    """A file or a folder of plain text or JSON documents."""

    kind: ClassVar[str] = "text"
    text: Location = Field(description="whole path of a file or a folder of text or JSON")


class DatasetSource(Strict):
    """A Hugging Face dataset, streamed; a row group counts as one item."""

    kind: ClassVar[str] = "dataset"
    dataset: Annotated[str, AfterValidator(_dataset)] = Field(
        description="name on the Hugging Face hub, or whole path of a dataset's folder"
    )
    split: Words = Field(default="train", description="split to read")
    text_column: Words = Field(default="text", description="column that holds the text")
    limit: int | None = Field(default=None, ge=1, description="rows to read at most")
    config: Words | None = Field(
        default=None, description="configuration of the dataset, when it has any"
    )


# The kinds of source, by the key that names them.
SOURCES: dict[str, type[Strict]] = {
    kind.kind: kind for kind in (YouTubeSource, ArchiveSource, TextSource, DatasetSource)
}


def _source_kind(value: object) -> str | None:
    """Which source a mapping (or a model) is, by its one key; None when it is none of ours."""
    if isinstance(value, YouTubeSource | ArchiveSource | TextSource | DatasetSource):
        return value.kind
    named = [kind for kind in SOURCES if isinstance(value, dict) and kind in value]
    return named[0] if len(named) == 1 else None


SourceSpec = Annotated[
    Annotated[YouTubeSource, Tag("youtube")]
    | Annotated[ArchiveSource, Tag("archive")]
    | Annotated[TextSource, Tag("text")]
    | Annotated[DatasetSource, Tag("dataset")],
    Discriminator(_source_kind),
]


class Channel(Strict):
    """A named feed: sources freely mixed, and what is made of them."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(description=NAME_RULE)
    title: str = Field(default="", description="name to show; the channel's name when empty")
    sources: tuple[SourceSpec, ...] = Field(
        min_length=1,
        description="at least one source, each a key of youtube, archive, text or dataset",
    )
    filters: Filters = Field(default=Filters(), description="which videos belong")
    languages: tuple[Language, ...] = Field(
        default=("en",),
        min_length=1,
        description="BCP 47 tags, the preferred one first, e.g. [en, de]",
    )
    transcripts: TranscriptPolicy = Field(
        default=TranscriptPolicy(), description="which captions count"
    )
    speech: SpeechSettings = Field(
        default=SpeechSettings(), description="when speech is recognized, and how"
    )
    gone: Literal["keep", "purge"] = Field(
        default="keep", description="what becomes of a video that its owner deleted or made private"
    )
    stale_after_hours: float = Field(
        default=48,
        gt=0,
        description="how long nobody need look at the sources until the check `is_fresh` fails;"
        " the nightly sweep looks at all",
    )
    chapters: ChapterSettings = Field(
        default=ChapterSettings(), description="how chapters are made where none are listed"
    )
    articles: ArticleSettings = Field(
        default=ArticleSettings(), description="how articles are written"
    )
    language_model: LanguageModelSettings | None = Field(
        default=None, description="the language model that names chapters and rewrites articles"
    )
    questions: QuestionRules = Field(
        default=QuestionRules(), description="how questions are recognized"
    )
    documents: DocumentSettings = Field(
        default=DocumentSettings(), description="how documents are made"
    )
    transforms: tuple[ChosenTransform, ...] = Field(
        default=(), description="steps to pairs and documents, in order: docs/transforms.md"
    )
    tokenizer: TokenizerSettings = Field(
        default=TokenizerSettings(), description="how text is tokenized"
    )
    model: ModelSettings = Field(default=ModelSettings(), description="size of the model")
    training: TrainingSettings = Field(
        default=TrainingSettings(), description="length of the training"
    )
    retrain: RetrainPolicy = Field(
        default=RetrainPolicy(), description="when training starts by itself"
    )
    scope: ScopeSettings = Field(
        default=ScopeSettings(), description="what questions to the channel may be about"
    )
    search: SearchSettings = Field(
        default=SearchSettings(), description="how passages that answer are found"
    )
    chat: ChatSettings = Field(
        default=ChatSettings(), description="models that answer questions to the channel"
    )
    permission: Annotated[str, AfterValidator(_statement)] = Field(
        default="",
        description="who allowed what is made of this channel to be published, and how;"
        " without it nothing is",
    )

    @property
    def asks_a_model(self) -> dict[str, str]:
        """What a language model writes, by the setting that asks for it."""
        language = f" in {self.articles.language}" if self.articles.language else ""
        asks = {
            "chapters.titles: language_model": (
                self.chapters.titles == "language_model",
                "the titles of `segmented` chapters",
            ),
            "articles.rewrite": (self.articles.rewrite, f"the articles{language}"),
        }
        return {setting: what for setting, (is_on, what) in asks.items() if is_on}

    @model_validator(mode="after")
    def _has_the_model_it_asks(self) -> Self:
        for setting in self.asks_a_model if self.language_model is None else ():
            raise ValueError(f"{setting} needs `language_model`, with its `url` and `model`")
        return self


class Channels(Strict):
    """All of `channels.yaml`."""

    channels: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Channel] = Field(
        default={}, description="channels by name"
    )
    youtube: YouTubeSettings = Field(
        default=YouTubeSettings(), description="how YouTube is asked, by all channels together"
    )

    @model_validator(mode="before")
    @classmethod
    def _named_by_their_keys(cls, data: Any) -> Any:
        channels = data.get("channels") if isinstance(data, dict) else None
        if not isinstance(channels, dict):
            return data
        named = {
            key: {"name": key, **value} if isinstance(value, dict) else value
            for key, value in channels.items()
        }
        return {**data, "channels": named}

    @field_validator("channels")
    @classmethod
    def _no_second_name(cls, channels: dict[str, Channel]) -> dict[str, Channel]:
        for key, channel in channels.items():
            if channel.name != key:
                raise ValueError(f"{key}: its key is its name; remove `name: {channel.name}`")
        return channels
