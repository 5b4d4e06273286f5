"""The demo channel's talks: Markdown with front matter, read into sections of paragraphs.

A talk is `talks/NN-name.md`. Its front matter is `Front`; each `##` heading opens a section, which
is a chapter of a talk, or a question of a session (`kind: session`). A paragraph may begin with a
role and a colon (`Host: …`); the paragraphs after it, up to the next heading, are by the same role.
`translations: {de: NN-name.de.md}` names a file beside it with the same front matter fields, the
same id and as many sections: it is rendered as one more caption track, not as a video.
"""

import datetime
import re
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from ruamel.yaml import YAML

CaptionStyle = Literal[
    "vtt", "srt", "json3", "timedtext", "auto-vtt", "auto-json3", "none"
]  # "auto-": rolling, as a recognizer makes them
ListStyle = Literal[
    "dash",
    "plain",
    "brackets",
    "parentheses",
    "numbered",
    "title-first",
    "bullets",
    "youtube",
    "none",
]
FOLDER = Path(__file__).parent / "talks"
ROLES = ("Host", "Guest", "Engineer", "Reader", "Operator")


class Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a talk says of itself before it begins."""

    id: str
    title: str
    published: datetime.date
    language: str = "en"
    kind: Literal["talk", "session"] = "talk"
    captions: tuple[CaptionStyle, ...]
    chapters: ListStyle = "none"
    tags: tuple[str, ...] = ()
    summary: str
    translations: dict[str, str] = {}


class Paragraph(Struct, frozen=True):
    """Some sentences by one role; None where a talk has a single voice."""

    text: str
    role: str | None


class Section(Struct, frozen=True):
    """A chapter, or a question and its answer."""

    title: str
    paragraphs: tuple[Paragraph, ...]


class Talk(Struct, frozen=True):
    """One talk or session, with its translations by language."""

    front: Front
    sections: tuple[Section, ...]
    translations: dict[str, "Talk"]


def read_talks(folder: Path = FOLDER) -> list[Talk]:
    """All talks of the folder, in the order of their file names."""
    return [read_talk(path) for path in sorted(folder.glob("*.md")) if "." not in path.stem]


def read_talk(path: Path) -> Talk:
    """Read one talk; ValueError names the file and what is wrong in it."""
    try:
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        front = msgspec.convert(YAML(typ="safe").load(head), Front)
    except ValueError as error:  # msgspec's ValidationError is one
        raise ValueError(f"Reading the talk {path.name}: its front matter: {error}") from error
    parts = re.split(r"^## +(.+)\n", body, flags=re.MULTILINE)
    if parts[0].strip() or len(parts) == 1:
        raise ValueError(f"Reading the talk {path.name}: text must stand below a ## heading")
    sections = tuple(
        Section(title.strip(), _paragraphs(text))
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    )
    others = {
        language: _read_translation(path.parent / name, front.id, len(sections))
        for language, name in front.translations.items()
    }
    return Talk(front, sections, others)


def _read_translation(path: Path, video_id: str, num_sections: int) -> Talk:
    talk = read_talk(path)
    if (talk.front.id, len(talk.sections)) != (video_id, num_sections):
        raise ValueError(
            f"Reading the translation {path.name}: it has {len(talk.sections)} sections and the id"
            f" {talk.front.id}; its talk has {num_sections} and {video_id}"
        )
    return talk


def _paragraphs(text: str) -> tuple[Paragraph, ...]:
    found: list[Paragraph] = []
    role = None
    for block in re.split(r"\n\s*\n", text.strip()):
        words = " ".join(block.split())
        name, colon, rest = words.partition(": ")
        if colon and name in ROLES:
            role, words = name, rest
        found.append(Paragraph(words, role))
    return tuple(found)
