"""What a person corrected in chapters and pairs, applied to them whenever they are made anew.

Chapters are replaced as a whole. A pair is known by its `pair_id`; what a person accepted, edited
or added stays as they saw it, even when nothing finds that question any more.
"""

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from impressions_assets.rows import Chapters, Correction, QAPair, QAPairs
from impressions_assets.storage.digests import digest_of


def with_ids(pairs: Iterable[QAPair]) -> tuple[QAPair, ...]:
    """Name each pair after its question, and after how often that was asked before.

    The time does not count: a question keeps its name when it is found some seconds later.
    """
    seen: Counter[str] = Counter()
    named = []
    for pair in pairs:
        named.append(replace(pair, pair_id=pair_id_of(pair.question, seen[pair.question])))
        seen[pair.question] += 1
    return tuple(named)


def pair_id_of(question: str, occurrence: int) -> str:
    """Return the name of a pair within its video; no spreadsheet takes it for a number."""
    return f"q{digest_of(question, occurrence)[:11]}"


def added_pair_id(question: str, start_seconds: float) -> str:
    """Return the name of a pair that a person added: the same line always adds the same pair."""
    return f"q{digest_of('added', question, start_seconds)[:11]}"


def corrected_chapters(chapters: Chapters, correction: Correction) -> Chapters:
    """The chapters that the person wrote, in place of those that were found."""
    return replace(chapters, chapters=correction.chapters)


def corrected_pairs(pairs: QAPairs, correction: Correction) -> QAPairs:
    """The pairs as they were reviewed, with those that nobody saw yet."""
    reviewed = {pair.pair_id: pair for pair in correction.pairs}
    unseen = [pair for pair in pairs.pairs if pair.pair_id not in reviewed]
    ordered = sorted([*unseen, *reviewed.values()], key=lambda pair: pair.start_seconds)
    return replace(pairs, pairs=tuple(ordered))
