"""Draws labelled questions: which are kept aside, and which may be tuned on.

    python -m impressions_assets_tests.eval.draw NEW.txt TUNED.txt ASIDE.txt KEPT.txt LEFT.txt

A hash of the question decides, about three in ten are kept aside (KEPT.txt). Those that share most
of their words go to one side together: to what may be tuned on (LEFT.txt) where one of TUNED.txt is
among them. What is near one of ASIDE.txt, which was kept aside before, or says just what another
does goes out.
"""

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bm25s import stopwords

from impressions_assets.chat.guard import labelled_in
from impressions_assets.chat.words import analyzer_of

NEAR = 0.6  # of the words of both
_KEPT_PERCENT = 30
_STOPS = frozenset((*stopwords.STOPWORDS_EN_PLUS, *stopwords.STOPWORDS_GERMAN))


def words_of(question: str) -> frozenset[str]:
    """The words that tell one question from another: all, where there are hardly any."""
    stems = analyzer_of("en")(question)
    telling = frozenset(stem for stem in stems if stem not in _STOPS)
    return telling if len(telling) > 1 else frozenset(stems)


def near_pairs(some: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of those that share most of their words."""
    holding = defaultdict(list)
    sets = [words_of(one) for one in others]
    for at, words in enumerate(sets):
        for word in words:
            holding[word].append(at)
    for place, one in enumerate(some):
        words = words_of(one)
        for at in sorted({at for word in words for at in holding[word]}):
            if len(words & sets[at]) >= NEAR * len(words | sets[at]):
                yield place, at


def drawn(
    new: Sequence[tuple[str, str]], tuned: Sequence[str], aside: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Those to keep aside and those that are left, each with its heading."""
    out = {place for place, _ in near_pairs([one for one, _ in new], aside)}
    seen = {words_of(one) for one in tuned}
    fresh = []
    for at, (one, kind) in enumerate(new):
        if at not in out and words_of(one) not in seen:
            seen.add(words_of(one))
            fresh.append((one, kind))
    asked = [one for one, _ in fresh]
    first = list(range(len(asked)))  # of each group, by its earliest
    for one, other in near_pairs(asked, asked):
        low, high = sorted((first[one], first[other]))
        first = [low if place == high else place for place in first]
    bound = {first[place] for place, _ in near_pairs(asked, tuned)}
    kept = [first[at] not in bound and _is_kept(asked[first[at]]) for at in range(len(asked))]
    sides = list(zip(fresh, kept, strict=True))
    return [one for one, aside in sides if aside], [one for one, aside in sides if not aside]


def _is_kept(question: str) -> bool:
    return int(hashlib.sha256(question.encode()).hexdigest(), 16) % 100 < _KEPT_PERCENT


def text_of(labelled: Sequence[tuple[str, str]]) -> str:
    """The lines of a file of labelled questions."""
    under = defaultdict(list)
    for one, kind in labelled:
        under[kind].append(one)
    return "".join(f"## {kind}\n" + "\n".join(some) + "\n" for kind, some in under.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.eval.draw")
    for name in ("new", "tuned", "aside", "kept", "left"):
        parser.add_argument(name, type=Path)
    files = parser.parse_args()
    new, tuned, aside = (
        list(labelled_in(file.read_text("utf-8"))) for file in (files.new, files.tuned, files.aside)
    )
    kept, left = drawn(new, [one for one, _ in tuned], [one for one, _ in aside])
    files.kept.write_text(text_of(kept), "utf-8")
    files.left.write_text(text_of(left), "utf-8")
    print(f"{len(new)} questions: {len(kept)} kept aside, {len(left)} left")
