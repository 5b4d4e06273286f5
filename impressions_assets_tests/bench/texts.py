"""Which text trainings learn: a file, or one of our own writing that is always there."""

from pathlib import Path
from typing import NamedTuple

import impressions_assets.demo


class Text(NamedTuple):
    """What trainings learn, and what it is called in the table."""

    name: str
    text: str


def text_of(path: Path | None) -> Text:
    """That file, or the demo's talks, which are of our own writing and always there."""
    if path is not None:
        return Text(path.name, path.read_text(encoding="utf-8"))
    talks = Path(impressions_assets.demo.__file__).parent / "talks"
    texts = [talk.read_text(encoding="utf-8") for talk in sorted(talks.glob("*.md"))]
    return Text("the demo's talks", "\n\n".join(texts))
