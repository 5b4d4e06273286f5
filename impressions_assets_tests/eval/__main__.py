"""`make eval DATA=<folder>`: how well meaning is taken out of real texts, as tables of Markdown.

    python -m impressions_assets_tests.eval DATA

DATA is laid out as each score's module says; what it does not hold is left out.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from impressions_assets_tests.eval import (
    articles,
    chapters,
    question_rounds,
    question_turns,
    questions,
    restoring,
    search,
    segmentation,
)

SCORES: dict[str, tuple[str, Callable[[Path], Iterator[str]]]] = {
    "Chapters that descriptions list": ("chapters", chapters.table),
    "Questions that descriptions list": ("qa/askswami", questions.table),
    "Questions that are asked in the talk": ("qa/bitcointranscripts", question_turns.report),
    "Question rounds without speakers": ("qa/bitcointranscripts", question_rounds.report),
    "Talks cut into chapters": ("archives", segmentation.report),
    "Sentences restored": ("archives", restoring.report),
    "Questions that a search answers": ("qa", search.report),
    "Articles fit to publish": ("archives", articles.report),
}


def main() -> None:
    """Print each score that DATA holds texts for."""
    parser = argparse.ArgumentParser(
        prog="make eval", usage="make eval DATA=FOLDER", description=__doc__
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    data = parser.parse_args().data
    found = {name: score for name, (part, score) in SCORES.items() if (data / part).is_dir()}
    if not found:
        parts = ", ".join(dict.fromkeys(part for part, _ in SCORES.values()))
        parser.error(f"{data} holds nothing to score; it would hold some of: {parts}")
    for name, score in found.items():
        print(f"\n## {name}\n")
        for line in score(data):
            print(line, flush=True)


if __name__ == "__main__":
    main()
