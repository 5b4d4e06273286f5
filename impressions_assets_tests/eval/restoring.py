"""How well sentences come back: talks lose case and stops, and are restored.

    python -m impressions_assets_tests.eval.restoring DATA

DATA holds `archives/<channel>/*.vtt` that people punctuated. Each becomes captions of seven words
in lower case without marks, once without any pause between them and once with the pauses of the
file. Counted are the places where sentences end (F1) and the share of words in the right case,
among those that begin a sentence or have a capital on either side.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from impressions_assets.rows import Segment, Transcript, Word
from impressions_assets.speech.captions import read_captions
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.restoring import restored

_CAPTION = 7
_FEWEST_MARKS = 0.03
_MARKS = re.compile(r"[.,!?;:…\"“”]|(?<!\w)['’]|['’](?!\w)|--+|[-–—](?!\w)|(?<!\w)[-–—]")

_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")

Talk = list[tuple[str, float, float]]
"""Words as they are written, with their start and end."""


def talks_in(folder: Path) -> Iterator[Talk]:
    """The talks that are punctuated."""
    for path in sorted(folder.glob("*.vtt")):
        read = tuple(read_captions(path.read_text(encoding="utf-8"), "vtt"))
        row = Transcript(video_id=path.stem, origin="manual", segments=read)
        talk = [word for s in clean_transcript(row).segments for word in _words(s)]
        ends = sentence_ends(word for word, _, _ in talk)
        if talk and len(ends) >= _FEWEST_MARKS * len(talk):
            yield talk


def _words(segment: Segment) -> Iterator[tuple[str, float, float]]:
    texts = [text for text in segment.text.split() if _MARKS.sub("", text)]
    step = (segment.end_seconds - segment.start_seconds) / max(1, len(texts))
    for number, text in enumerate(texts):
        start = segment.start_seconds + number * step
        yield text, start, start + step


def bared(talk: Talk, with_pauses: bool) -> list[Segment]:
    """The talk as automatic captions: seven words each, in lower case, without marks."""
    if not with_pauses:
        talk = [(text, float(number), number + 1.0) for number, (text, _, _) in enumerate(talk)]
    words = [Word(start, end, _MARKS.sub("", text).lower()) for text, start, end in talk]
    return [
        Segment(
            part[0].start_seconds,
            part[-1].end_seconds,
            " ".join(word.text for word in part),
            words=tuple(part) if with_pauses else (),
        )
        for part in (words[first : first + _CAPTION] for first in range(0, len(words), _CAPTION))
    ]


def methods() -> dict[str, Callable[[Talk], list[str]]]:
    """Ours and what it must beat: each gives the words as restored."""
    return {
        "ours, with pauses": lambda talk: _ours(talk, True),
        "ours, words alone": lambda talk: _ours(talk, False),
        "a stop behind every third caption": lambda talk: _every(talk, 3 * _CAPTION),
        "a stop behind every caption": lambda talk: _every(talk, _CAPTION),
    }


def _ours(talk: Talk, with_pauses: bool) -> list[str]:
    return " ".join(s.text for s in restored(bared(talk, with_pauses))).split()


def _every(talk: Talk, number: int) -> list[str]:
    words = [word for segment in bared(talk, False) for word in segment.text.split()]
    return [
        (word.capitalize() if place % number == 0 else word)
        + ("." if place % number == number - 1 else "")
        for place, word in enumerate(words)
    ]


def sentence_ends(texts: Iterable[str]) -> list[int]:
    """The numbers of the words behind which a sentence ends."""
    return [number for number, word in enumerate(texts) if _SENTENCE_END.search(word)]


def table(talks: Sequence[Talk]) -> Iterator[str]:
    """The scores as lines of Markdown."""
    yield "| method | precision | recall | F1 of sentence ends | capitals right |"
    yield "|---|---|---|---|---|"
    for name, method in methods().items():
        right = found = wanted = cased = capitals = 0
        for talk in talks:
            original = [text for text, _, _ in talk]
            words = method(talk)
            ours, theirs = set(sentence_ends(words)), set(sentence_ends(original))
            right, found, wanted = (
                right + len(ours & theirs),
                found + len(ours),
                wanted + len(theirs),
            )
            pairs = [(_letters(a), _letters(b)) for a, b in zip(words, original, strict=True)]
            upper = [(a, b) for a, b in pairs if a[:1].isupper() or b[:1].isupper()]
            capitals += len(upper)
            cased += sum(a[:1].isupper() == b[:1].isupper() for a, b in upper)
        f1 = 2 * right / (found + wanted)
        share = f"{cased / capitals:.3f}"
        yield f"| {name} | {right / found:.3f} | {right / wanted:.3f} | {f1:.3f} | {share} |"


def _letters(word: str) -> str:
    return "".join(filter(str.isalpha, word))


def report(data: Path) -> Iterator[str]:
    """A table for each half of each channel."""
    for folder in sorted((data / "archives").iterdir()):
        talks = list(talks_in(folder))
        for part, half in (("tuned on", talks[0::2]), ("kept aside", talks[1::2])):
            if half:
                yield f"\n{folder.name}, {part}: {len(half)} talks, {sum(map(len, half))} words\n"
                yield from table(half)


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]))))
