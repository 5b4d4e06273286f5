"""The card that lies beside every export: README.md, as the Hugging Face hub reads it.

Its head names the licences, the languages and each table's file and types, so that
`datasets.load_dataset(folder, "chapters")` works; the types are written down because a JSON file
whose first ten megabytes name no speaker would be read as one that knows none. Its body tells
people the counts, the licence of each video, how it was made, and who allowed publishing it.
There is no date in it: the same tables give the same card.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pyarrow as pa
from ruamel.yaml import YAML

from impressions_assets.channels.channel import Channel
from impressions_assets.channels.writing import LanguageModelSettings
from impressions_assets.errors import ConfigError
from impressions_assets.formats.contents import columns_in, contents_of, table_of, tables_among
from impressions_assets.formats.files import write_text
from impressions_assets.formats.tables import as_csv, flat_schema, left_out
from impressions_assets.reader import LISTS, ChannelReader
from impressions_assets.rows import PUBLISHED, Review

CARD = "README.md"
MARK = "# Written by `impressions export`, which replaces this file."
_DEFAULT_TABLE = "documents"
_MADE_WITH = (
    "filters", "languages", "transcripts", "chapters", "articles", "questions", "documents",
    "transforms",
)  # fmt: skip
# https://huggingface.co/docs/hub/repositories-licenses; YouTube's is "CC BY 3.0 or later".
_LICENCE_IDS = {
    "creative commons attribution license (reuse allowed)": "cc-by-3.0",
    "creativecommon": "cc-by-3.0",
}
_KNOWN_IDS = ("apache-2.0", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "mit", "cc-by-3.0")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


class Made(NamedTuple):
    """What the card says of the making: the channel as declared, and each stage's version."""

    channel: Channel | None  # None: it left channels.yaml
    stages: Mapping[str, int]
    about: str = ""  # what the format writes


def check_card_fits(folder: Path) -> None:
    """Refuse a folder with a README.md that somebody else wrote."""
    card = folder / CARD
    if card.exists() and MARK not in card.read_text("utf-8", errors="replace")[:400]:
        raise ConfigError(f"{card} is not a card of ours, and would be lost: choose another folder")


def write_card(channel: ChannelReader, folder: Path, files: Sequence[Path], made: Made) -> Path:
    """Write the card of an export beside its files; return its path."""
    counts = {table: _num_rows(channel, table) for table in PUBLISHED}
    facts = channel.home.table("videos").columns(channel.name, "license", "language")
    documents = channel.home.table("documents").columns(channel.name, "language")
    licences = Counter(licence or "not stated" for licence, _ in facts)
    languages = Counter(tag for (tag,) in documents)
    tables = [file for file in tables_among(files) if counts[file.stem]]
    head = {
        "pretty_name": (made.channel and made.channel.title) or channel.name,
        "license": licence_ids(licences),
        "language": sorted({tag.split("-")[0].lower() for tag in languages} - {"und"}),
        "size_categories": [_size(counts[_DEFAULT_TABLE])],
        "task_categories": ["text-generation", "question-answering"],
        "configs": [_config(file) for file in tables],
        "dataset_info": [_info(file) for file in tables],
    }
    body = _body(channel, made, counts, licences, languages, files)
    front = as_yaml({key: value for key, value in head.items() if value})
    return write_text(folder, CARD, f"---\n{MARK}\n{front}---\n\n{body}")


def permission_of(made: Made) -> str:
    """Return the statement of permission, '' when there is none."""
    return made.channel.permission.strip() if made.channel else ""


def _num_rows(channel: ChannelReader, table: str) -> int:
    stored = channel.home.table(table)
    if table in LISTS:
        return stored.num_items(channel.name, LISTS[table][0])
    return stored.count(channel.name) - len(left_out(channel, table))


def _config(file: Path) -> dict[str, Any]:
    default = {"default": True} if file.stem == _DEFAULT_TABLE else {}
    return {"config_name": file.stem, "data_files": file.name, **default}


def _info(file: Path) -> dict[str, Any]:
    schema = flat_schema(file.stem)
    schema = as_csv(schema) if file.suffix == ".csv" else schema
    return {"config_name": file.stem, "features": [_feature(field) for field in schema]}


def _feature(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type)}


def _type(kind: pa.DataType) -> dict[str, Any]:
    """Return a type as the hub writes it."""
    if pa.types.is_list(kind):
        inner = _type(kind.value_type)
        return {"list": inner.get("dtype") or inner["struct"]}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(field) for field in kind]}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}


def _body(
    channel: ChannelReader,
    made: Made,
    counts: Mapping[str, int],
    licences: Counter[str],
    languages: Counter[str],
    files: Sequence[Path],
) -> str:
    title = (made.channel and made.channel.title) or channel.name
    permission = permission_of(made)
    versions = [
        (
            table,
            count,
            made.stages.get(table, ""),
            channel.home.table(table).data_version(channel.name),
        )
        for table, count in counts.items()
    ]
    num_left_out = len(left_out(channel, "documents"))
    parts = [
        f"# {title}",
        "What a channel of videos says, as text: its videos, transcripts, chapters, articles, "
        "question-and-answer pairs, and clean documents.",
        "## Permission",
        permission
        or "**No permission is stated: do not publish this.** Words belong to those who "
        "said them. `permission` in channels.yaml says who allowed it, and how.",
        "## What is here",
        *contents_of(channel, files, made.about),
        "## Licences",
        table_of(("of the video, as its source names it", "videos"), licences.most_common()),
        "## The channel",
        table_of(("table", "rows", "stage version", "data version"), versions),
        "Languages of the documents: "
        + (", ".join(f"{tag} ({n:,})" for tag, n in languages.most_common()) or "none")
        + ". Times are seconds from the start of the video; spans are half open. The column "
        "`split` of `documents` keeps training and validation apart.",
        _by_hand(channel),
        f"Left out of `documents`, because an earlier one says nearly the same: {num_left_out:,}. "
        "A data version changes when, and only when, a row does.",
        *columns_in(files),
        "## How it was made",
        f"With Impressions {version('impressions-assets')}, by these settings:",
        f"```yaml\n{_settings(made.channel)}```",
        _written_by_a_model(made.channel),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _written_by_a_model(channel: Channel | None) -> str:
    """Say what is not the speakers' words, and whose it is."""
    model = channel and channel.language_model
    if not (channel and model and channel.asks_a_model):
        return ""
    wrote = " and ".join(channel.asks_a_model.values())
    return (
        f"The language model `{_asked(model)['model']}` wrote {wrote}; where it gave none "
        "that fits, the column `notes` says so. Documents and answers are what was said."
    )


def _asked(model: LanguageModelSettings) -> dict[str, Any]:
    """Return what matters of a language model; a file of ours by its name alone."""
    found = model.model_dump(include={"model", "parameters", "window_words"})
    is_place = Path(model.model).is_absolute()
    return {**found, "model": Path(model.model).name if is_place else model.model}


def _by_hand(channel: ChannelReader) -> str:
    """Say what people reviewed and corrected of what is here."""
    home, name = channel.home, channel.name
    found = home.table("qa_pairs").columns(name, "pairs.review")
    reviews = Counter(review for (reviews,) in found for review in reviews)
    here = {
        video_id for (video_id,) in channel.home.table("videos").columns(channel.name, "video_id")
    }
    made = channel.home.table("corrections").columns(channel.name, "video_id", "table")
    tables = Counter(table for video_id, table in made if video_id in here)
    counts = [f"{reviews[review]:,} {review}" for review in get_args(Review)]
    return (
        f"Of the pairs, {', '.join(counts)} (column `review` of `qa_pairs`). By hand, people "
        f"corrected the transcripts of {tables['transcripts']:,} videos and the chapters of "
        f"{tables['chapters']:,}."
    )


def _settings(channel: Channel | None) -> str:
    if channel is None:
        return "# not known any more: the channel left channels.yaml\n"
    chosen = channel.model_dump(mode="json", include=set(_MADE_WITH), exclude_none=True)
    model = channel.language_model if channel.asks_a_model else None
    asked = {"language_model": _asked(model)} if model else {}
    sources = [_shown(source.model_dump(mode="json")) for source in channel.sources]
    return as_yaml({"sources": sources, **{name: chosen[name] for name in _MADE_WITH}, **asked})


def _shown(source: dict[str, Any]) -> dict[str, Any]:
    """Return a source without its place: where things lie is nobody's business."""
    is_place = "://" in source.get("dataset", "") or source.get("dataset", "").startswith("/")
    hidden = {"archive", "text", "dataset"} if is_place else {"archive", "text"}
    found = {key: value for key, value in source.items() if value is not None}
    return {key: "a place of ours" if key in hidden else value for key, value in found.items()}


def licence_ids(licences: Iterable[str]) -> list[str]:
    """Return the licences by the hub's names."""
    return sorted({_licence_id(licence) for licence in licences})


def _licence_id(licence: str) -> str:
    folded = licence.casefold().strip()
    if licence == "not stated":
        return "unknown"
    return folded if folded in _KNOWN_IDS else _LICENCE_IDS.get(folded, "other")


def _size(count: int) -> str:
    return next((name for limit, name in _SIZES if count < limit), "n>1M")


def as_yaml(value: object) -> str:
    """Return a value as YAML, a line for each scalar."""
    page = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.dump(value, page)
    return page.getvalue()
