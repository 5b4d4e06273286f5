"""Tokens against others: tiktoken, a plain script from captions to shards, nanoGPT's batches.

Each row is the median of five tries, in CPU-seconds of one process, ours and theirs in turn.
"""

import gc
import html
import json
import re
import statistics
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from impressions_assets.gpt.loader import TokenStream, WindowLoader
from impressions_assets.gpt.shard_plan import DocumentRef, PlannedShard
from impressions_assets.gpt.shards import HEADER_BYTES, write_shard
from impressions_assets.gpt.tokenizer import load_tokenizer, train_tokenizer
from impressions_assets.rows import Document, Segment, Transcript
from impressions_assets.speech.captions import parse_track
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.documents import _Page, _speech
from impressions_assets_tests.bench.archive import words_of
from impressions_assets_tests.bench.ratios import Ratio
from impressions_assets_tests.text.plain_paragraphs import plain_paragraphs

_TRIES = 5
_TEXTS, _TRACKS, _WORDS = 400, 200, 10_000
_BATCHES = 300


def tokens_ratios() -> list[Ratio]:
    """Measure all rows; what they write goes when they are done."""
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        home = Path(folder)
        return [tokenizing(home), captions_to_shards(home), loading(home)]


def tokenizing(folder: Path, num_texts: int = _TEXTS) -> Ratio:
    """Encode a corpus with our own vocabulary, opened anew each time, as tiktoken does."""
    texts = [" ".join(words_of(number, _WORDS)) for number in range(num_texts)]
    train_tokenizer(texts[:40]).save(folder / "tokenizer")
    engines = set()

    def ours() -> list[np.ndarray]:
        tokenizer = load_tokenizer(folder / "tokenizer")
        ids = [tokenizer.encode_array(text) for text in texts]
        engines.add(tokenizer._encoder.engine)
        return ids

    def theirs() -> list[list[int]]:
        encoding = load_tokenizer(folder / "tokenizer")._encoder._slow
        return encoding.encode_ordinary_batch(texts, num_threads=1)

    assert all(np.array_equal(a, b) for a, b in zip(ours(), theirs(), strict=True))
    megabytes = sum(map(len, texts)) / 1e6
    note = f"{megabytes:.0f} MB of made-up talk, cold, by {' and '.join(engines)}; identical ids"
    return Ratio("tokenizing", "tiktoken", 5, _ratio(ours, theirs), note)


def captions_to_shards(folder: Path, num_tracks: int = _TRACKS) -> Ratio:
    """Turn json3 files into one file of tokens, as one stream; both write the same bytes."""
    tracks = [_track(number) for number in range(num_tracks)]
    train_tokenizer(" ".join(words_of(number, _WORDS)) for number in range(40)).save(folder / "own")
    tokenizer = load_tokenizer(folder / "own")  # opened beforehand, as the script's is
    encoding, end = tokenizer._encoder._slow, tokenizer.end_of_text

    def ours() -> bytes:
        refs = [
            DocumentRef(video_id=f"{n:06}", digest="", split="train") for n in range(num_tracks)
        ]
        plan = PlannedShard(split="train", documents=tuple(refs), input_digest="ab" * 32)
        write_shard(folder / "ours", plan, map(_document, range(num_tracks), tracks), tokenizer)
        return (folder / "ours" / plan.file).read_bytes()[HEADER_BYTES:]

    def theirs() -> bytes:
        with (folder / "theirs.bin").open("wb") as file:
            for track in tracks:
                ids = encoding.encode_ordinary(_plain_text(track))
                np.array([*ids, end], dtype=np.uint16).tofile(file)
        return (folder / "theirs.bin").read_bytes()

    assert ours() == theirs()
    note = f"{sum(map(len, tracks)) / 1e6:.0f} MB of json3; ours keeps times and anchors too"
    return Ratio("captions JSON to shards", "json + tiktoken", 5, _ratio(ours, theirs), note)


def _track(number: int) -> bytes:
    """Write what YouTube sends for captions that a person wrote."""
    words = words_of(number, _WORDS)
    lines = [" ".join(words[place : place + 8]) for place in range(0, len(words), 8)]
    events = [
        {"tStartMs": place * 2600, "dDurationMs": 2600, "segs": [{"utf8": line}]}
        for place, line in enumerate(lines)
    ]
    return json.dumps({"wireMagic": "pb3", "pens": [{}], "events": events}).encode()


def _document(number: int, track: bytes) -> Document:
    """Go the way of `document_of`, but for the language and the signature of near-duplicates."""
    segments = parse_track(track, "json3").segments
    transcript = Transcript(video_id=f"{number:06}", origin="manual", segments=segments)
    page = _Page()
    _speech(page, clean_transcript(transcript).segments, (), light=False)
    return Document(
        video_id=transcript.video_id,
        text=page.text,
        split="train",
        anchor_offsets=tuple(page.offsets),
        anchor_seconds=page.seconds,
    )


def _plain_text(track: bytes) -> str:
    """Read and clean as a script does: the same rules, each asked of each line."""
    segments: list[Segment] = []
    for event in json.loads(track)["events"]:
        text = "".join(seg["utf8"] for seg in event.get("segs", ()))
        text = html.unescape(html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", "", text)))
        text = re.sub(r"[\u200b-\u200f\u202a-\u202e\ufeff\x00-\x08\x0e-\x1f]", "", text)
        text = re.sub(r"\[[^\]]*\]|\((?:music|applause|laughter)\)|[♪♫]+", " ", text, flags=re.I)
        text = unicodedata.normalize("NFC", " ".join(text.split()))
        if not text or (segments and text == segments[-1].text):
            continue
        start = event["tStartMs"] / 1000
        segments.append(Segment(start, start + event["dDurationMs"] / 1000, text))
    paragraphs = plain_paragraphs(segments)
    return "\n\n".join(" ".join(piece.text for piece in part) for part in paragraphs)


def loading(folder: Path, batch_size: int = 12, block_size: int = 64) -> Ratio:
    """Random batches of one file, as nanoGPT's get_batch and as ours."""
    random = np.random.default_rng(0)
    path = folder / "train.bin"
    random.integers(0, 50257, 1_000_000).astype(np.uint16).tofile(path)
    ends = np.cumsum(random.integers(200, 3000, 1000))
    ends = np.append(ends[ends < 1_000_000], 1_000_000)
    tokens = np.memmap(path, dtype=np.uint16, mode="r")
    loader = WindowLoader(TokenStream([tokens], ends), block_size, seed=0)

    def ours() -> None:
        for _ in range(_BATCHES):
            loader.next_batch(batch_size)

    def theirs() -> None:
        for _ in range(_BATCHES):
            _get_batch(path, batch_size, block_size, random)

    note = f"{batch_size} windows of {block_size}, shuffled, in documents; each token once an epoch"
    against = "memmap opened for each batch, row by row"
    return Ratio("batch loading", against, 8, _ratio(ours, theirs), note)


def _get_batch(
    path: Path, batch_size: int, block_size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Do as nanoGPT's train.py does, without torch's part of it."""
    data = np.memmap(path, dtype=np.uint16, mode="r")
    starts = random.integers(len(data) - block_size, size=batch_size)
    x = np.stack([data[i : i + block_size].astype(np.int64) for i in starts])
    y = np.stack([data[i + 1 : i + 1 + block_size].astype(np.int64) for i in starts])
    return x, y


def _ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times the CPU-seconds of ours theirs takes, in the median of five tries each."""
    spent: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for _ in range(_TRIES):
        for work, seconds in spent.items():
            gc.collect()  # what others left is not theirs to clear away
            begin = time.process_time()
            work()
            seconds.append(time.process_time() - begin)
    return statistics.median(spent[theirs]) / statistics.median(spent[ours])
