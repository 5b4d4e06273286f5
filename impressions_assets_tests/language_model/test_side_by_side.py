"""Several videos at a time: in their order, no more than allowed, and no answer lost."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from impressions_assets.errors import SourcePaused
from impressions_assets.language_model.answers import Answers
from impressions_assets.language_model.endpoint import Endpoint
from impressions_assets.language_model.side_by_side import side_by_side
from impressions_assets.rows import Article, Failed, Video
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Work
from impressions_assets.storage.records import SHARED
from impressions_assets.text.prompts import SCHEMA, messages_of
from impressions_assets_tests.servers.language_model import Fault, LanguageModel


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with LanguageModel().running() as server:
        yield server


def work_of(home: Home, model: LanguageModel, workers: int) -> Work:
    answers = Answers(home, Endpoint(model.url), "m", {}, budget=Budget(home, "m", None))

    def article(video: Video) -> Article:
        said = answers.ask(
            video.video_id, "k", messages_of("", {}, {video.video_id: ""}, {}), SCHEMA
        )
        return Article(video_id=video.video_id, title=said, markdown="", num_words=0)

    return side_by_side(article, answers, workers)


def videos(num: int) -> Iterator[tuple[Video]]:
    return ((Video(video_id=f"v{number:02}", source="archive"),) for number in range(num))


def test_rows_come_in_the_order_of_the_videos(home: Home, model: LanguageModel) -> None:
    rows = list(work_of(home, model, 5)(videos(20)))
    assert [row.video_id for row in rows] == [f"v{number:02}" for number in range(20)]
    assert all(row.video_id in row.title for row in rows)


def test_it_reads_no_further_ahead_than_twice_its_workers(home: Home, model: LanguageModel) -> None:
    read: list[str] = []
    inputs = ((read.append(video.video_id) or video,) for (video,) in videos(50))
    work = work_of(home, model, 3)(inputs)
    next(work)
    assert len(read) == 6
    work.close()


def test_an_answer_is_kept_before_its_row_is_given(home: Home, model: LanguageModel) -> None:
    for num, row in enumerate(itertools.islice(work_of(home, model, 1)(videos(5)), 4), 1):
        kept = {capture.video_id for capture in home.table("captures").rows(SHARED)}
        assert row.video_id in kept
        assert len(kept) >= num


def test_a_pause_ends_it_and_what_was_answered_meanwhile_is_kept(
    home: Home, model: LanguageModel
) -> None:
    answers = Answers(home, Endpoint(model.url), "m", {}, budget=Budget(home, "m", None))
    all_done = threading.Barrier(4)

    def paused_first(video: Video) -> None:
        if video.video_id != "v00":
            answers.ask(video.video_id, "k", messages_of("", {}, {"a": ""}, {}), SCHEMA)
        all_done.wait(10)
        raise SourcePaused("not now", datetime.now(UTC), "m")

    with pytest.raises(SourcePaused):
        list(side_by_side(paused_first, answers, 4)(videos(4)))
    kept = {capture.video_id for capture in home.table("captures").rows(SHARED)}
    assert kept == {"v01", "v02", "v03"}


def test_one_failure_is_told_in_its_place(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(400)]
    first, second = work_of(home, model, 1)(videos(2))
    assert isinstance(first, Failed)
    assert (first.video_id, first.retry) == ("v00", False)
    assert isinstance(second, Article)
