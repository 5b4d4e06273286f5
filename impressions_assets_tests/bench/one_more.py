"""What one video more costs the rooms, beside all videos before it: the work of the data assets.

Rows pass in memory, so that no table counts: what an asset reads and writes is left out, what it
has the rooms do is in. CPU-seconds are those of the rooms' calls alone.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from impressions_assets.assets.chapters import settings_of as chapter_settings
from impressions_assets.assets.documents import settings_of as document_settings
from impressions_assets.assets.tokenizer import SAMPLE_CHARACTERS
from impressions_assets.channels.channel import Channel
from impressions_assets.channels.source_argument import source_of
from impressions_assets.gpt.manifest import MANIFEST, read_manifest, write_manifest
from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards
from impressions_assets.gpt.shards import manifest_of, write_shard
from impressions_assets.gpt.tokenizer import load_tokenizer, make_tokenizer
from impressions_assets.rows import Document, Track, Transcript, Video
from impressions_assets.sources.archive import ArchiveSource
from impressions_assets.sources.listing import Listing
from impressions_assets.sources.remembered import Remembered
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.text.articles import article_of
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.documents import document_of
from impressions_assets.text.duplicates import Text, duplicates_of
from impressions_assets.text.qa import pairs_of
from impressions_assets.text.splits import ensure_validation
from impressions_assets_tests.bench.archive import write_video

_TIMES = 5  # one may fall into a large shard, or a small one

_decoder = msgspec.msgpack.Decoder(Document)


class RoomRuns(NamedTuple):
    """CPU-seconds by asset: of the first run, and of one video more, on average."""

    first: Mapping[str, float]
    one_more: Mapping[str, float]
    rewritten_shards: float

    @property
    def ratio(self) -> float:
        return sum(self.one_more.values()) / sum(self.first.values())


def measure_rooms(folder: Path, archive: Path, number: int, num_words: int) -> RoomRuns:
    """Take an archive through the rooms, then the videos from `number` on, one at a time."""
    rooms = _Rooms(folder, archive)
    first, _ = rooms.refresh()
    one_more: Counter[str] = Counter()
    num_rewritten = 0
    for more in range(number, number + _TIMES):
        write_video(archive, more, num_words)
        cpu_seconds, num_shards = rooms.refresh()
        one_more.update(cpu_seconds)
        num_rewritten += num_shards
    mean = {asset: one_more[asset] / _TIMES for asset in first}
    return RoomRuns(first, mean, num_rewritten / _TIMES)


class _Made(NamedTuple):
    """What the tables keep of a video."""

    video: Video
    document: bytes
    ref: DocumentRef
    text_digest: str
    signature: bytes


class _Rooms:
    """A channel's rows, made by the rooms as its assets have them made."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self._channel = Channel(name="bench", sources=(source_of(str(archive)),))
        remembered = Remembered(folder / "scratch")
        self._source = ArchiveSource(archive, str(archive), remembered)
        self._tokenizer = folder / "tokenizer"
        self._shards = folder / "shards"
        for made in (self._tokenizer, self._shards):
            made.mkdir(parents=True)
        self._made: dict[str, _Made] = {}
        self._cpu_seconds: Counter[str] = Counter()

    def refresh(self) -> tuple[Mapping[str, float], int]:
        """Make what is due; return the CPU-seconds by asset, and how many shards were written."""
        self._cpu_seconds = Counter()
        with self._counted("videos"):
            listing = Listing([self._source], self._channel.filters)
            videos = [video for video in listing if isinstance(video, Video)]
        for video in videos:
            if video.video_id not in self._made:
                self._made[video.video_id] = self._make(video)
        if not any(self._tokenizer.iterdir()):
            self._train()
        return self._cpu_seconds, self._shard()

    def _make(self, video: Video) -> _Made:
        channel = self._channel
        with self._counted("transcripts"):
            policy = channel.transcripts.policy
            (transcript,) = transcripts_of(
                iter([video]), _offers, self._fetch, _key_of, channel.languages, policy
            )
        assert isinstance(transcript, Transcript)
        with self._counted("chapters"):
            chapters = chapters_of(video, transcript, **chapter_settings(channel))
        with self._counted("articles"):
            article_of(video, transcript, chapters)
        with self._counted("qa_pairs"):
            announcements = channel.questions.announcements
            pairs_of(video, transcript, chapters, announcements=announcements)
        with self._counted("documents"):
            document = document_of(video, transcript, chapters, **document_settings(channel))
        data = msgspec.msgpack.encode(document)
        ref = DocumentRef(
            video_id=video.video_id, digest=document.text_digest, split=document.split
        )
        return _Made(video, data, ref, document.text_digest, document.signature)

    def _train(self) -> None:
        sample = list(self._sample())
        settings = self._channel.tokenizer
        with self._counted("tokenizer"):
            made = make_tokenizer(settings.kind, sample, settings.vocab_size)
            made.save(self._tokenizer)

    def _shard(self) -> int:
        """Cut the documents into shards as `token_shards` does."""
        with self._counted("token_shards"):
            tokenizer = load_tokenizer(self._tokenizer)
            planned = plan_shards(self._refs(), tokenizer.digest)
            has_shards = (self._shards / MANIFEST).exists()
            known = read_manifest(self._shards).shards if has_shards else ()
        shards = {shard.file: shard for shard in known}
        due = [plan for plan in planned if plan.file not in shards]
        for plan in due:
            documents = [self._document(video_id) for video_id in plan.video_ids]
            with self._counted("token_shards"):
                shards[plan.file] = write_shard(self._shards, plan, documents, tokenizer)
        with self._counted("token_shards"):
            manifest = manifest_of(tokenizer, (shards[plan.file] for plan in planned))
            write_manifest(self._shards, manifest)
        return len(due)

    def _refs(self) -> list[DocumentRef]:
        made = self._made.values()
        texts = (
            Text(m.video.video_id, m.video.published or "", m.text_digest, m.signature)
            for m in made
        )
        duplicates = duplicates_of(texts, self._channel.documents.duplicate_similarity)
        chosen = {i: m.ref.split for i, m in self._made.items() if i not in duplicates}
        return [
            msgspec.structs.replace(self._made[video_id].ref, split=split)
            for video_id, split in ensure_validation(chosen).items()
        ]

    def _sample(self) -> Iterator[str]:
        taken = 0
        for video_id in self._made:
            document = self._document(video_id)
            yield document.text
            taken += len(document.text)
            if taken > SAMPLE_CHARACTERS:
                return

    def _document(self, video_id: str) -> Document:
        return _decoder.decode(self._made[video_id].document)

    def _fetch(self, wanted: Iterable[tuple[Video, Track]]) -> dict[str, Any]:
        return {_key_of(video, track): self._source.fetch(video, track) for video, track in wanted}

    @contextmanager
    def _counted(self, asset: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self._cpu_seconds[asset] += time.process_time() - began


def _offers(videos: Sequence[Video], choose: object) -> dict[str, tuple[Track, ...]]:
    return {video.video_id: video.tracks for video in videos}


def _key_of(video: Video, track: Track) -> str:
    return f"{video.video_id}/{track.location}"
