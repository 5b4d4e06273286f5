"""A channel's passages, searchable: the index is made when its rows have changed, and kept.

It lies in the scratch folder of this machine, under the hash of what it was made from: it can be
made again from the tables at any time (15 s for 1,000 videos of 5,000 words, docs/search.md), so it
is no asset. Duplicates are left out, as they are from training: who searches wants one of them.
With an encoder that takes hours, so vectors of passages are kept beside it while those are there.
"""

import shutil
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from impressions_assets.chat.encoder import SEARCH, Encoder
from impressions_assets.chat.index import VERSION, Hit, Index, Label, labels_of
from impressions_assets.chat.passages import Source, excerpt_of
from impressions_assets.chat.vectors import Tell, unsaid
from impressions_assets.duplicates import duplicates_in, threshold_of
from impressions_assets.errors import NothingToDo
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.text.times import link_at

_FOLDER, _VECTORS = "search", ".vectors"
_READS = ("documents", "chapters", "qa_pairs")


class ChannelSearch:
    """A channel's passages, and the titles and pages of its videos, as they were when it opened."""

    def __init__(self, index: Index, videos: Mapping[str, tuple[str, str]], made_from: str) -> None:
        """See `open_search`; `made_from` is the hash of all that the order depends on."""
        self.index, self._videos, self.made_from = index, videos, made_from

    def sources(self, words: str, most: int = 5) -> list[Source]:
        """The passages that match some words or a question best, best first, at most so many."""
        return [self._source(hit) for hit in self.index.search(words, most)]

    def excerpt(self, source: Source, words: str) -> str:
        """The part of a passage that holds most of the words, as one line."""
        asked = self.index.weights(words)

        def told(part: str) -> float:
            return sum(asked.get(word, 0.0) for word in self.index.weights(part))

        return excerpt_of(" ".join(source.text.split()), told)

    def _source(self, hit: Hit) -> Source:
        title, url = self._videos.get(hit.video_id, ("", ""))
        passage = hit.passage
        start = passage.start_seconds
        return Source(
            video_id=hit.video_id,
            title=title or hit.video_id,
            link=url if start is None else link_at(url, start),
            start_seconds=start,
            end_seconds=passage.end_seconds,
            text=passage.text,
            score=hit.score,
        )


def open_search(
    home: Home,
    name: str,
    scratch: Path,
    encoder: str | None = None,
    *,
    knows_questions: bool = True,
    tell: Tell = unsaid,
) -> ChannelSearch:
    """Open a channel for searching; indexes it when its rows are others than at the last time.

    Args:
        home: where its rows are.
        name: of the channel.
        scratch: where the index lies.
        encoder: by which passages are found, too: its name on the hub, or its folder.
        knows_questions: whether passages are found by the questions of pairs, too. Who asks those
            very questions, to learn or to measure, must not find them: every search would be right.
        tell: is told how many passages are encoded, which may take hours the first time.

    Raises:
        NothingToDo: no document of this channel was made yet.
        ConfigError: the encoder cannot be loaded, or a library is missing.
    """
    if not home.table("documents").count(name):
        raise NothingToDo(
            f"channel {name!r} has no documents to search: run `impressions materialize {name}`"
        )
    model = _encoder(encoder, scratch / _FOLDER / f"{name}{_VECTORS}", tell)
    made_from = _made_from(home, name, model)
    kind = name if knows_questions else f"{name}.unasked"
    folder = scratch / _FOLDER / kind / made_from
    if not folder.is_dir():
        left_out = _left_out(home, name)
        rows = home.table("documents").rows(name)
        kept = (row for row in rows if row.video_id not in left_out)
        labels = _labels(home, name) if knows_questions else _without_questions(home, name)
        _keep(Index.build(kept, labels, model), folder)
        if _made_from(home, name, model) != made_from:
            # Some may be forgotten meanwhile, and the index would bring their words back.
            shutil.rmtree(folder, ignore_errors=True)
            return open_search(
                home, name, scratch, encoder, knows_questions=knows_questions, tell=tell
            )
    found = home.table("videos").columns(name, "video_id", "title", "url")
    videos = {video_id: (title or "", url or "") for video_id, title, url in found}
    return ChannelSearch(Index.load(folder, model), videos, made_from)


def _encoder(name: str | None, vectors: Path, tell: Tell) -> Encoder | None:
    """The encoder of a channel; vectors that another made go."""
    encoder = Encoder(name, vectors, SEARCH, tell) if name else None
    for earlier in vectors.glob("*/"):
        if encoder is None or earlier.name != encoder.fingerprint:
            shutil.rmtree(earlier, ignore_errors=True)
    return encoder


def _made_from(home: Home, name: str, encoder: Encoder | None) -> str:
    versions = [home.table(table).data_version(name) for table in _READS]
    made_by = [encoder.fingerprint] if encoder else []
    return digest_of(VERSION, versions, sorted(_left_out(home, name)), *made_by)


def _left_out(home: Home, name: str) -> set[str]:
    return set(duplicates_in(home, name, threshold_of(home, name)))


def forget_indexes(scratch: Path, channels: Collection[str]) -> None:
    """Delete what holds what was said: all indexes, and the vectors of some channels.

    An index is made again in seconds, vectors in hours.
    """
    for folder in (scratch / _FOLDER).glob("*/"):
        if folder.suffix != _VECTORS or folder.stem in channels:
            shutil.rmtree(folder, ignore_errors=True)


def _labels(home: Home, name: str) -> dict[str, list[Label]]:
    found: dict[str, list[Label]] = defaultdict(list)
    for row in home.table("chapters").rows(name):
        found[row.video_id] += labels_of(row, None)
    for row in home.table("qa_pairs").rows(name):
        found[row.video_id] += labels_of(None, row)
    return found


def _without_questions(home: Home, name: str) -> dict[str, list[Label]]:
    """The titles of chapters, but for those that are questions: lists often ask in titles."""
    found = {row.video_id: labels_of(row, None) for row in home.table("chapters").rows(name)}
    for row in home.table("qa_pairs").rows(name):
        asked = {pair.question for pair in row.pairs}
        titles = found.get(row.video_id, ())
        found[row.video_id] = [title for title in titles if title.text not in asked]
    return found


def _keep(index: Index, folder: Path) -> None:
    """Publish the index in one move, in place of the channel's earlier ones."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".", ignore_cleanup_errors=True) as made:
        draft = Path(made) / folder.name
        index.save(draft)
        with suppress(OSError):  # somebody else made the same at the same moment
            draft.rename(folder)
    for earlier in folder.parent.iterdir():
        if earlier != folder and not earlier.name.startswith("."):
            shutil.rmtree(earlier, ignore_errors=True)
