"""A channel's passages, searchable: the index is made when its rows have changed, and kept.

It lies in the scratch folder of this machine, under the hash of what it was made from: it can be
made again from the tables at any time (15 s for 1,000 videos of 5,000 words, docs/search.md), so it
is no asset. Duplicates are left out, as they are from training: who searches wants one of them.
With an encoder that takes hours, so vectors of passages are kept beside it while those are there.
"""

import shutil
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from impressions_assets.channels.search import SearchSettings
from impressions_assets.chat.encoder import SEARCH, Encoder
from impressions_assets.chat.index import VERSION, Hit, Index, Label, labels_of
from impressions_assets.chat.passages import Source, excerpt_of
from impressions_assets.chat.vectors import Tell, unsaid
from impressions_assets.duplicates import duplicates_in, threshold_of
from impressions_assets.errors import NothingToDo
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.text.times import link_at

_FOLDER = "search"
_READS = ("documents", "chapters", "qa_pairs")
_BY_WORDS = SearchSettings()


class ChannelSearch:
    """A channel's passages, and the titles and pages of its videos, as they were when it opened."""

    def __init__(self, index: Index, videos: Mapping[str, tuple[str, str]]) -> None:
        """See `open_search`."""
        self.index, self._videos = index, videos

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
    settings: SearchSettings = _BY_WORDS,
    *,
    knows_questions: bool = True,
    tell: Tell = unsaid,
) -> ChannelSearch:
    """Open a channel for searching; indexes it when its rows are others than at the last time.

    Args:
        home: where its rows are.
        name: of the channel.
        scratch: where the index lies.
        settings: how passages are found.
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
    left_out = set(duplicates_in(home, name, threshold_of(home, name)))
    versions = [home.table(table).data_version(name) for table in _READS]
    encoder = _encoder(settings, scratch / _FOLDER / f"{name}.vectors", tell)
    made_by = [encoder.fingerprint] if encoder else []
    kind = name if knows_questions else f"{name}.unasked"
    made_from = digest_of(VERSION, versions, sorted(left_out), *made_by)
    folder = scratch / _FOLDER / kind / made_from
    if not folder.is_dir():
        rows = home.table("documents").rows(name)
        kept = (row for row in rows if row.video_id not in left_out)
        labels = _labels(home, name) if knows_questions else _without_questions(home, name)
        _keep(Index.build(kept, labels, encoder), folder)
    found = home.table("videos").columns(name, "video_id", "title", "url")
    videos = {video_id: (title or "", url or "") for video_id, title, url in found}
    return ChannelSearch(Index.load(folder, encoder), videos)


def _encoder(settings: SearchSettings, vectors: Path, tell: Tell) -> Encoder | None:
    """The encoder of a channel; vectors that another made go."""
    encoder = Encoder(settings.encoder, vectors, SEARCH, tell) if settings.encoder else None
    for earlier in vectors.glob("*/"):
        if encoder is None or earlier.name != encoder.fingerprint:
            shutil.rmtree(earlier, ignore_errors=True)
    return encoder


def forget_indexes(scratch: Path) -> None:
    """Delete indexes and vectors of all channels: they hold what was said."""
    shutil.rmtree(scratch / _FOLDER, ignore_errors=True)


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
