"""How fast single rooms are on the synthetic channel's text, on one core."""

from pathlib import Path

from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards
from impressions_assets.gpt.shards import write_shard
from impressions_assets.gpt.tokenizer import train_tokenizer
from impressions_assets.rows import Document
from impressions_assets.speech.captions import parse_track
from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.times import clock
from impressions_assets_tests.bench.archive import video_id, words_of, write_video
from impressions_assets_tests.bench.meter import Meter

_VIDEOS = 100
_WORDS = 5000
_LINE = 5000
_TRIES, _TIMES = 3, 10


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


def chapters_speed() -> tuple[float, float, float]:
    """Return descriptions in a CPU-second, without and with a list; seconds for the worst line."""
    prose = [" ".join(words_of(number, 100)) for number in range(_VIDEOS)]
    lists = [f"{text}\n\n{_list_of(number)}\n\n{text}" for number, text in enumerate(prose)]
    lines = [
        (time * _LINE)[:_LINE] for time in ("1:11", "0:00 ", "(1:02", "1h1", "[0:00](", "11: 1")
    ]
    return (
        len(prose) / _best_seconds(prose),
        len(lists) / _best_seconds(lists),
        max(_best_seconds([line]) for line in lines),
    )


def _list_of(number: int) -> str:
    titles = (" ".join(words_of(number * 8 + place, 4)) for place in range(8))
    return "\n".join(f"{clock(place * 95)} {title}" for place, title in enumerate(titles))


def _best_seconds(descriptions: list[str]) -> float:
    """CPU-seconds to read them all once, the best of a few times."""
    best = float("inf")
    for _ in range(_TRIES):
        meter = Meter()
        for _ in range(_TIMES):
            for description in descriptions:
                parse_chapters(description)
        best = min(best, meter.read().cpu_seconds / _TIMES)
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
