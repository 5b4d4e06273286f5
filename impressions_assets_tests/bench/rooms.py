"""How fast single rooms are on the synthetic channel's text, on one core."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards
from impressions_assets.gpt.shards import write_shard
from impressions_assets.gpt.tokenizer import train_tokenizer
from impressions_assets.rows import Document
from impressions_assets.speech.captions import parse_track
from impressions_assets.text.duplicates import Text, duplicates_of
from impressions_assets.text.signatures import signature_of
from impressions_assets.text.times import clock
from impressions_assets_tests.bench.archive import video_id, words_of, write_video
from impressions_assets_tests.bench.hostile import FLOODS, LENGTH, LINES, seconds_to, text_of
from impressions_assets_tests.bench.meter import Cost, Meter

_VIDEOS = 100
_WORDS = 5000
_SHORT = 400
_TRIES, _TIMES = 3, 10


class ParsingSpeed(NamedTuple):
    """Descriptions read in a CPU-second; a hostile text beside a plain one of the same length.

    `growth` is what lists of 160 chapters take beside those of 80, and `worst_growth` what that
    hostile text takes at twice its length whose time grows most: 2 when time is linear.
    """

    without_list: float
    with_list: float
    worst_line: str
    worst_line_seconds: float
    worst_flood: str
    worst_flood_seconds: float
    plain_seconds: float
    growth: float
    worst_growth: float


def captions_speed(folder: Path) -> float:
    """Return MB of WebVTT that become segments in a CPU-second."""
    folder.mkdir(parents=True)
    for number in range(_VIDEOS):
        write_video(folder, number, _WORDS)
    tracks = [path.read_bytes() for path in folder.glob("*.vtt")]
    meter = Meter()
    for track in tracks:
        assert parse_track(track, "vtt").segments
    return sum(map(len, tracks)) / 1e6 / meter.read().cpu_seconds


def parsing_speed(parse: Callable[[str], object]) -> ParsingSpeed:
    """Measure a parser of descriptions."""
    prose = [" ".join(words_of(number, 100)) for number in range(_VIDEOS)]
    lists = [f"{text}\n\n{_list_of(number)}\n\n{text}" for number, text in enumerate(prose)]
    once, twice = (
        {piece: seconds_to(parse, text_of(piece, length)) for piece in (*LINES, *FLOODS)}
        for length in (LENGTH, 2 * LENGTH)
    )
    line, flood = (max(pieces, key=lambda piece: once[piece]) for pieces in (LINES, FLOODS))
    long, longer = ([_list_of(number, chapters) for number in range(10)] for chapters in (80, 160))
    return ParsingSpeed(
        without_list=len(prose) / _best_seconds(parse, prose),
        with_list=len(lists) / _best_seconds(parse, lists),
        worst_line=line,
        worst_line_seconds=once[line],
        worst_flood=flood,
        worst_flood_seconds=once[flood],
        plain_seconds=_best_seconds(parse, [" ".join(words_of(1, LENGTH))[:LENGTH]]),
        growth=_best_seconds(parse, longer) / _best_seconds(parse, long),
        worst_growth=max(twice[piece] / once[piece] for piece in once),
    )


def duplicates_cost(num_texts: int, num_copies: int) -> tuple[int, Cost]:
    """Find the copies, of which one word in 100 is another, by the stored signatures of all."""
    texts = [words_of(number, _SHORT) for number in range(num_texts - num_copies)]
    for number in range(num_copies):
        copy = list(texts[number])
        copy[50::100] = [f"{word}s" for word in copy[50::100]]
        texts.append(copy)
    signed = [
        Text(video_id(number), "", str(number), signature_of(" ".join(words)))
        for number, words in enumerate(texts)
    ]
    meter = Meter()
    found = duplicates_of(signed, 0.8)
    return len(found), meter.read()


def _list_of(number: int, num_chapters: int = 8) -> str:
    titles = (" ".join(words_of(number * 8 + place, 4)) for place in range(num_chapters))
    return "\n".join(f"{clock(place * 95)} {title}" for place, title in enumerate(titles))


def _best_seconds(parse: Callable[[str], object], descriptions: list[str]) -> float:
    """CPU-seconds to read them all once, the best of a few times."""
    best = float("inf")
    for _ in range(_TRIES):
        begin = time.process_time()
        for _ in range(_TIMES):
            for description in descriptions:
                parse(description)
        best = min(best, (time.process_time() - begin) / _TIMES)
    return best


def shards_speed(folder: Path) -> float:
    """Return MB of text that become tokens in shards in a CPU-second; training not counted."""
    documents = {video_id(n): " ".join(words_of(n, _WORDS)) for n in range(_VIDEOS)}
    tokenizer = train_tokenizer(documents.values())
    refs = [DocumentRef(video_id=i, digest=i, split="train") for i in documents]
    meter = Meter()
    for plan in plan_shards(refs, tokenizer.digest):
        rows = (_document(i, documents[i]) for i in plan.video_ids)
        write_shard(folder, plan, rows, tokenizer)
    return sum(map(len, documents.values())) / 1e6 / meter.read().cpu_seconds


def _document(name: str, text: str) -> Document:
    return Document(video_id=name, text=text, split="train", num_characters=len(text))
