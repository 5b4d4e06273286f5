"""What a person would check before publishing an article, as code that knows nothing of ours."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from impressions_assets.rows import Chapter

MOST_WORDS = 150
_LINK = re.compile(r"\[((?:\\.|[^\[\]\\])*)\]\(([^()\s]*)\)")
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_NOISE = re.compile(r">>|[♪♫]|\[(?:music|applause|laughter|inaudible)|&(?:amp|gt|lt|nbsp);", re.I)
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’»)\]*_]*$|[。！？；][」』”)）]*$")
_SPEAKER = re.compile(r"^\*\*[^*]+:\*\* ")


def problems_of(markdown: str, chapters: Sequence[Chapter]) -> Iterator[str]:
    """What is wrong with the page, in a few fixed words and the place."""
    blocks = markdown.strip().split("\n\n")
    headings = [block[3:] for block in blocks if block.startswith("## ")]
    yield from _contents_problems(blocks, [_anchor(heading) for heading in headings])
    seconds = [int(found[1]) for h in headings if (found := re.search(r"[?&]t=(\d+)", h))]
    if seconds and seconds != [int(chapter.start_seconds) for chapter in chapters]:
        yield f"times of headings are not those of chapters: {seconds}"
    first = next((n for n, block in enumerate(blocks) if block.startswith("## ")), 2)
    for block in blocks[first:]:
        if not block.startswith("#"):
            yield from _paragraph_problems(_SPEAKER.sub("", block))


def _contents_problems(blocks: Sequence[str], anchors: Sequence[str]) -> Iterator[str]:
    lists = [block for block in blocks if block.startswith("- [")]
    targets = [link[2].removeprefix("#") for b in lists[:1] for link in _LINK.finditer(b)]
    seen: Counter[str] = Counter()
    expected = []
    for anchor in anchors:
        expected.append(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    if len(anchors) > 1 and targets != expected:
        yield f"contents do not lead to the headings: {set(targets) ^ set(expected)}"


def _anchor(heading: str) -> str:
    """As GitHub makes it: https://github.com/gjtorikian/html-pipeline, toc_filter.rb."""
    text = _ESCAPE.sub("", _LINK.sub(r"\1", heading))
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _paragraph_problems(block: str) -> Iterator[str]:
    text = _ESCAPE.sub("", block)
    if len(text.split()) > MOST_WORDS:
        yield f"paragraph of {len(text.split())} words: {text[:60]}"
    if noise := _NOISE.search(text):
        yield f"caption noise {noise[0]!r}: {text[:60]}"
    if (letter := re.search(r"\w", text)) and letter[0].islower():
        yield f"paragraph begins in lower case: {text[:60]}"
    if not _SENTENCE_END.search(text):
        yield f"paragraph ends inside a sentence: {text[-60:]}"
