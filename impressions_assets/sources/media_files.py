"""The file of a video beside what yt-dlp wrote of it: `Talk.mp4` beside `Talk.en.vtt`."""

from collections.abc import Sequence
from pathlib import Path


def file_beside(folder: Path, locations: Sequence[str], suffixes: Sequence[str]) -> Path | None:
    """The first file of a video that has one of the endings; None without one.

    Args:
        folder: the source's.
        locations: of the captions or the info.json, relative to it.
        suffixes: the endings, the best first.
    """
    for location in locations:
        path = Path(location)
        if path.is_absolute() or ".." in path.parts:
            continue
        base = _base(folder / path)
        files = (Path(f"{base}{suffix}") for suffix in suffixes) if base else ()
        found = next((file for file in files if file.is_file()), None)
        if found:
            return found
    return None


def _base(captions: Path) -> Path | None:
    """The path that all files of a video begin with; its info.json tells it from a shorter one's.

    `Vol.1.en.vtt` is of `Vol.1`, and never of `Vol`, when there is `Vol.1.info.json`.
    """
    stem = captions.name
    while "." in stem:
        stem = stem.rpartition(".")[0]
        if captions.with_name(f"{stem}.info.json").is_file():
            return captions.with_name(stem)
    return None
