"""What all formats need of files: a name for each video, and files that appear whole."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

_TAKEN = "readme"  # the card's name


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes its name when all of it was written."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(folder: Path, name: str, content: str) -> Path:
    """Write a text file whole; return its path."""
    with published(folder / name) as path:
        path.write_text(content, encoding="utf-8", newline="\n")
    return folder / name


def safe_name(video_id: str) -> str:
    """Return a file's name for a video: its id, unless that is no good name."""
    if re.fullmatch(r"[\w-][\w.-]{0,99}", video_id) and video_id.casefold() != _TAKEN:
        return video_id
    plain = re.sub(r"[^\w-]+", "-", video_id).strip("-")[:60]
    return f"{plain or 'video'}-{sha256(video_id.encode()).hexdigest()[:8]}"
