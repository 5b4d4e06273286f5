"""Texts that are slow to read as descriptions, and the search that finds them.

    python -m impressions_assets_tests.bench.hostile [SECONDS]

climbs from random texts of few fragments to slower ones, for chapters and for questions, in one
line and in many, and prints the slowest beside the known ones. What it finds and this file does
not know belongs into LINES or FLOODS, which `make bench` measures and the tests read.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from heapq import nlargest

from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.questions import parse_questions

LENGTH = 5000  # of the longest description that YouTube takes
# Repeated, each makes a line that is slow in its own way: these were written by hand,
_BY_HAND = (
    *("1:11", "0:00 ", "(1:02", "1h1", "[0:00](", "11: 1", "1m1s", "1h1m1", "1：11 ", "１：１１ "),
    *("12345678901:11", "a? 1:02 ", "12:34 to ", "<1:02", "`1:02 <a", "`1:02" + " " * 300),
)
# and these were found.
_FOUND = (
    "12:341:02:03 _1.1:11(a й１",
    "1. ：•Q&A:0:00",
    "0:01/",
    "11m1s",
    "1h111: 1",
    " 5: 0？? ：(1:02 to ",
    "1) 1h1m1й1. |? mQ&A:11: 1",
)
LINES = (*_BY_HAND, *_FOUND)
# Floods of lines, each of which must be looked at: no line of them is long.
FLOODS = ("1:11\n", "1:11\n\n", "\n_1h1", "Typo\n1:11 a\n", "e.g.１1:11\nQ&A:1m1s•")

_FRAGMENTS = (
    *(
        "1:11",
        "0:00",
        "1:02:03",
        "12:34",
        "1h1",
        "1h1m1",
        "1m1s",
        "11: 1",
        "5: 0",
        "12345678901:11",
    ),
    *("(1:02", "at 2:05)", "x 1:02", "[0:00](https://a)", "1", "11", "1,1:11", "0:0", "1) ", "1. "),
    *(
        "(",
        ")",
        "[",
        "]",
        "](",
        "<",
        "</a",
        ">",
        "`",
        "`_",
        "(a ",
        "https://",
        "/",
        "t=1",
        "#",
        "**",
    ),
    *(
        " ",
        "   ",
        "_",
        ".",
        ". ",
        "?",
        "? ",
        "？",
        "。",
        "！",
        "：",
        " to ",
        " - ",
        "–",
        "|",
        "•",
        "★",
    ),
    *("a", "A", "é", "й", "質問", "１", "am", "pm", "EST", "h", "m", "s", "\u200b", "\u3000"),
    *("Q1:", "question ", "Questions:", "Q&A:", "Why? ", "Typo"),
)
_BREAKS = ("\n", "\n", "\n\n", "1:11\n", "0:00 A\n", "1:11?\n", "Questions:\n", "\r")
_KEPT = 12

Parse = Callable[[str], object]
Piece = tuple[str, ...]


def text_of(piece: str, length: int = LENGTH) -> str:
    """The piece over and over, cut to the length."""
    return (piece * (length // len(piece) + 1))[:length]


def slowest(parse: Parse, fragments: Sequence[str], seconds: float, seed: int) -> list[str]:
    """The pieces whose texts took longest, the slowest first, found in that many seconds."""
    rng = random.Random(seed)
    costs: dict[Piece, float] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        best = nlargest(_KEPT, costs, key=lambda piece: costs[piece])
        piece = _changed(rng.choice(best), fragments, rng) if best and rng.random() < 0.8 else ()
        piece = piece or tuple(rng.choices(fragments, k=rng.randint(1, 4)))
        costs[piece] = seconds_to(parse, text_of("".join(piece)), 2)
    return ["".join(piece) for piece in nlargest(_KEPT, costs, key=lambda piece: costs[piece])]


def _changed(piece: Piece, fragments: Sequence[str], rng: random.Random) -> Piece:
    """The piece with a fragment put in, taken out or exchanged."""
    place = rng.randint(0, len(piece))
    new = () if rng.random() < 0.3 else (rng.choice(fragments),)
    return (*piece[:place], *new, *piece[place + rng.randint(0, 1) :])


def seconds_to(parse: Parse, text: str, tries: int = 9) -> float:
    """CPU-seconds to read the text, the best of a few tries."""
    best = float("inf")
    for _ in range(tries):
        begin = time.process_time()
        parse(text)
        best = min(best, time.process_time() - begin)
    return best


def main() -> None:
    """Print the slowest that is known and the slowest that was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=60.0, help="for each search")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for name, parse in (("chapters", parse_chapters), ("questions", parse_questions)):
        for shape, known, breaks in (("a line", LINES, ()), ("lines", FLOODS, _BREAKS)):
            found = slowest(parse, (*_FRAGMENTS, *breaks), chosen.seconds, chosen.seed)
            for kind, pieces in (("known", known), ("found", found)):
                cost, piece = max((seconds_to(parse, text_of(p)), p) for p in pieces)
                print(f"{name}, {shape}, {kind}: {cost * 1000:.2f} ms {piece!r}", flush=True)


if __name__ == "__main__":
    main()
