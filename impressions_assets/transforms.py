"""Transforms: named steps from a cleaned transcript to Q&A pairs and documents.

A transform is a frozen model: its fields are its options. It works on what was said before pairs
and documents are made of it (`OnSegments`), or on the pairs (`OnPairs`), and hands back what stays
and what it dropped. A channel lists the ones it wants in channels.yaml; docs/transforms.md says
what each does. Other packages add theirs as entry points of the group `impressions.transforms`:

    [project.entry-points."impressions.transforms"]
    drop_adverts = "my_package.adverts:DropAdverts"

Ours are named by their place too, so that reading channels.yaml imports a transform only where a
channel chose it. The steps themselves lie in the room `text`.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic_core import ErrorDetails

from impressions_assets.errors import ConfigError
from impressions_assets.plugins import loaded, plugin
from impressions_assets.rows import Dropped, Segment
from impressions_assets.wording import said_of

GROUP = "impressions.transforms"

T = TypeVar("T")
Step = TypeVar("Step", bound="Transform")


class Kept(NamedTuple, Generic[T]):
    """What stays, in its order, and what was dropped."""

    items: Sequence[T]
    dropped: Sequence[Dropped] = ()


class Answered(NamedTuple):
    """A pair before it is a row: the question, and what is said in the half-open span."""

    question: str
    segments: Sequence[Segment]
    start_seconds: float
    end_seconds: float
    speaker: str | None
    confidence: float
    origin: str

    @property
    def answer(self) -> str:
        """What is said, as one line."""
        return " ".join(segment.text for segment in self.segments)


class Transform(BaseModel):
    """A step with options. Raise `version` when the same input must give another result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    version: ClassVar[int] = 1


class OnSegments(Transform):
    """A step before pairs and documents. Text without times is left as it was written."""

    @abstractmethod
    def on_segments(self, segments: Sequence[Segment]) -> Kept[Segment]:
        """What stays of a talk; segments come, and must go, in order of their starts."""


class OnPairs(Transform):
    """A step after questions were joined to what answers them."""

    @abstractmethod
    def on_pairs(self, pairs: Sequence[Answered]) -> Kept[Answered]:
        """What stays of a talk's pairs; spans come, and must go, in order and half open."""


def segments_through(transforms: Iterable[Transform], segments: Sequence[Segment]) -> Kept[Segment]:
    """Take a talk through the steps that work on segments, in their order."""
    dropped: list[Dropped] = []
    for step in transforms:
        if isinstance(step, OnSegments):
            segments, gone = step.on_segments(segments)
            dropped += _signed(step, gone)
    return Kept(segments, dropped)


def pairs_through(transforms: Iterable[Transform], pairs: Sequence[Answered]) -> Kept[Answered]:
    """Take a talk's pairs through the steps that work on pairs, in their order."""
    dropped: list[Dropped] = []
    for step in transforms:
        if isinstance(step, OnPairs):
            pairs, gone = step.on_pairs(pairs)
            dropped += _signed(step, gone)
    return Kept(pairs, dropped)


def identity_of(transforms: Iterable[Transform]) -> list[list[Any]]:
    """Name, version and options of each: what rows depend on."""
    return [[step.name, step.version, step.model_dump(mode="json")] for step in transforms]


def transform_of(written: Any) -> Any:
    """The transform that an item of the list in channels.yaml means.

    Raises:
        ValueError: there is none, or not with these options; the message says what there is.
    """
    if isinstance(written, Transform):
        return written
    if isinstance(written, str):
        written = {written: {}}
    if not (isinstance(written, Mapping) and len(written) == 1):
        raise ValueError("is no transform; write a NAME, or {NAME: {OPTION: VALUE}}")
    [(name, options)] = written.items()
    return _with_options(_loaded(str(name)), options)


def _loaded(name: str) -> type[Transform]:
    try:
        point = plugin(GROUP, name, OURS, "transform")
        point = point or EntryPoint(name, f"impressions_assets.text.{OURS[name]}", GROUP)
        kind = loaded(point)
    except ConfigError as error:
        raise ValueError(str(error)) from error  # as pydantic wants it
    is_one = isinstance(kind, type) and issubclass(kind, OnSegments | OnPairs)
    if not is_one or getattr(kind, "name", "") != name:
        raise ValueError(f"{name} ({point.value}) is no OnSegments or OnPairs of this `name`")
    return kind  # type: ignore[no-any-return]


def _with_options(kind: type[Step], options: Any) -> Step:
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join([*map(str, item["loc"]), _reason(item)])
            for item in error.errors(include_url=False)
        )
        allowed = "; ".join(_option(*item) for item in kind.model_fields.items()) or "none"
        raise ValueError(f"{kind.name}: {wrong}. Its options: {allowed}") from error


def _reason(item: ErrorDetails) -> str:
    return "unknown option" if item["type"] == "extra_forbidden" else said_of(item)


def _option(name: str, field: Any) -> str:
    return f"{name} ({field.description or 'see its package'})"


def _signed(step: Transform, dropped: Iterable[Dropped]) -> list[Dropped]:
    return [msgspec.structs.replace(one, transform=step.name) for one in dropped]


def _written(step: Transform) -> Mapping[str, Any] | str:
    options = step.model_dump(mode="json", exclude_defaults=True)
    return {step.name: options} if options else step.name


ChosenTransform = Annotated[
    Transform, BeforeValidator(transform_of), PlainSerializer(_written, return_type=Any)
]

OURS = {
    "drop_asides": "asides:DropAsides",
    "drop_repeats": "repeats:DropRepeats",
    "split_answers": "answer_lengths:SplitAnswers",
    "limit_length": "answer_lengths:LimitLength",
    "normalize": "normalizing:Normalize",
}
