"""What a fine-tuning is laid out from: pairs that may be learned, few and none among them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from impressions_assets.answering.search import ChannelSearch
from impressions_assets.assets.tuning import PreparedTuning, prepare, publish
from impressions_assets.channels.channel import Channel, TextSource
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.rows import Chapter, Chapters, Document, QAPair, QAPairs
from impressions_assets.storage.forgetting import learned_from
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.chat.test_run import RESULT
from impressions_assets_tests.chat.tiny import write_encoder

VIDEOS = ("a", "b", "c", "d")


def pair(number: int, **more: Any) -> QAPair:
    said = {"question": f"What is word{number}?", "answer": f"The word{number} is a thing."}
    return QAPair(**{**said, "start_seconds": 0.0, "end_seconds": 9.0, **more})


def prepared(
    home: Home,
    tmp_path: Path,
    pairs: dict[str, tuple[QAPair, ...]],
    *,
    anchored: bool = False,
    search: dict[str, str] | None = None,
    **variant: Any,
) -> PreparedTuning:
    at: Any = {"anchor_offsets": (0,), "anchor_seconds": (0.0,)} if anchored else {}
    documents = [
        Document(video_id=video, text=f"The word{number} is a thing.", split="train", **at)
        for number, video in enumerate(VIDEOS)
    ]
    home.table("documents").put("talks", [Entry(one) for one in documents])
    rows = [QAPairs(video_id=video, pairs=found) for video, found in pairs.items()]
    home.table("qa_pairs").put("talks", [Entry(row) for row in rows])
    settings = {"variants": {"tiny": {"base": "/models/tiny", **variant}}}
    channel = Channel.model_validate(
        {
            "name": "talks",
            "sources": [TextSource(text="/a")],
            "chat": settings,
            "search": search or {},
        }
    )
    return prepare(home, channel, tmp_path / "scratch", None, {})


@pytest.mark.parametrize("found", [{}, {"a": ()}, {"a": (pair(0, review="rejected"),)}])
def test_no_pair_at_all_says_where_pairs_come_from(
    home: Home, tmp_path: Path, found: dict[str, tuple[QAPair, ...]]
) -> None:
    with pytest.raises(NothingToDo, match="impressions correct"):
        prepared(home, tmp_path, found)


def test_pairs_that_nobody_accepted_are_none_where_only_these_count(
    home: Home, tmp_path: Path
) -> None:
    with pytest.raises(NothingToDo, match="that a person accepted"):
        prepared(home, tmp_path, {"a": (pair(0),)}, reviewed_only=True)


def test_one_pair_is_learned_and_nothing_is_held_out(home: Home, tmp_path: Path) -> None:
    tuning = prepared(home, tmp_path, {"a": (pair(0),)})
    [one] = tuning.exchanges
    assert (one.split, one.question, one.passages) == ("train", "What is word0?", ())
    assert tuning.sources_hold is None
    assert tuning.run.exchanges.read_bytes().count(b"\n") == 1


def test_pairs_are_split_by_video_and_the_sources_of_held_out_ones_are_looked_at(
    home: Home, tmp_path: Path
) -> None:
    pairs = {video: (pair(n), pair(n + 10)) for n, video in enumerate(VIDEOS)}
    tuning = prepared(home, tmp_path, pairs, passages=2)
    sides = {one.video_id: one.split for one in tuning.exchanges}
    assert all(one.split == sides[one.video_id] for one in tuning.exchanges)
    assert set(sides.values()) == {"train", "val"}
    assert tuning.sources_hold == 1.0
    assert all(len(one.passages) == 2 for one in tuning.exchanges)


def test_the_sources_of_a_pair_are_not_found_by_its_own_question(
    home: Home, tmp_path: Path
) -> None:
    """A passage was found by the question that the pair itself wrote beside it."""
    asked = {
        video: (pair(number, question=f"Why zebra{number}?"),)
        for number, video in enumerate(VIDEOS)
    }
    tuning = prepared(home, tmp_path, asked, anchored=True, passages=2)
    assert (tuning.sources_hold, tuning.sources_hold_listed) == (0.0, 1.0)
    assert {one.passages for one in tuning.exchanges} == {()}


def test_passages_are_learned_and_sources_counted_by_meaning_where_search_has_an_encoder(
    home: Home, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    folder = write_encoder(tmp_path / "model", ["the word is a thing"])
    asked = {
        video: (pair(number, question=f"Why zebra{number}?"),)
        for number, video in enumerate(VIDEOS)
    }
    tuning = prepared(home, tmp_path, asked, search={"encoder": str(folder)}, passages=2)
    assert (tuning.sources_hold, tuning.sources_hold_listed) == (1.0, 1.0)  # of four passages
    assert {len(one.passages) for one in tuning.exchanges} == {2}


def test_a_tuning_with_passages_is_another_once_the_index_is_and_not_when_near_ones_change_places(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_from(passages: int) -> str:
        return prepared(home, tmp_path, {"a": (pair(0),)}, passages=passages).made_from

    before = [made_from(0), made_from(2)]
    with monkeypatch.context() as patch:
        best = ChannelSearch.sources
        patch.setattr(ChannelSearch, "sources", lambda *asked: best(*asked)[::-1])
        assert [made_from(0), made_from(2)] == before
    chapters = Chapters(video_id="b", chapters=(Chapter(0.0, "Words"),))
    home.table("chapters").put("talks", [Entry(chapters)])
    assert made_from(0) == before[0]
    assert made_from(2) != before[1]


def test_a_tuning_that_ran_to_its_end_searches_nothing_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = {video: (pair(number),) for number, video in enumerate(VIDEOS)}
    tuning = prepared(home, tmp_path, pairs, passages=2)
    assert tuning.finished is None
    RESULT.save(tuning.run.out_dir / "result.json")
    channel = Channel.model_validate({"name": "talks", "sources": [TextSource(text="/a")]})
    made = publish(home, channel, tuning)
    asked: list[str] = []
    monkeypatch.setattr(ChannelSearch, "sources", lambda _, words, *__: asked.append(words) or [])
    again = prepared(home, tmp_path, pairs, passages=2)
    assert again.finished is not None
    assert again.finished.version == made.version
    assert (again.sources_hold, again.sources_hold_listed) == (1.0, 1.0)
    assert not asked


def test_documents_are_learned_when_asked_for(home: Home, tmp_path: Path) -> None:
    tuning = prepared(home, tmp_path, {"a": (pair(0),)}, documents=True)
    assert [one.question for one in tuning.exchanges] == ["What is word0?", "", "", "", ""]


def test_a_variant_that_is_none_is_named(home: Home, tmp_path: Path) -> None:
    channel = Channel.model_validate({"name": "talks", "sources": [TextSource(text="/a")]})
    with pytest.raises(ConfigError, match="did you mean own"):
        prepare(home, channel, tmp_path, "owm", {})


RESULT_OF = {
    "whole": RESULT,
    "stopped": msgspec.structs.replace(RESULT, stopped="SIGUSR1"),
    "nothing learned": msgspec.structs.replace(RESULT, num_labels=0),
}


def published(home: Home, tmp_path: Path, how: str, steps: int = 1, **variant: Any) -> Artifact:
    """A version whose tuning ended in some way; each of other steps, so that none is the same."""
    tuning = prepared(home, tmp_path, {"a": (pair(0),)}, max_steps=steps, **variant)
    RESULT_OF[how].save(tuning.run.out_dir / "result.json")
    channel = Channel.model_validate(
        {"name": "talks", "sources": [TextSource(text="/a")], "chat": {"variants": {"tiny": {}}}}
    )
    return publish(home, channel, tuning)


@pytest.mark.parametrize(
    ("how", "at_first", "later"),
    [("whole", True, True), ("stopped", True, False), ("nothing learned", False, False)],
)
def test_what_was_stopped_or_learned_nothing_takes_no_place(
    home: Home, tmp_path: Path, how: str, *, at_first: bool, later: bool
) -> None:
    assert published(home, tmp_path, how, 1).current == at_first
    assert published(home, tmp_path, "whole", 2).current
    assert published(home, tmp_path, how, 3).current == later


def test_the_videos_of_learned_passages_count_as_learned_from(home: Home, tmp_path: Path) -> None:
    assert learned_from(home, published(home, tmp_path, "whole")) == {"a"}
    grounded = published(home, tmp_path, "whole", passages=len(VIDEOS))
    assert learned_from(home, grounded) == set(VIDEOS)
