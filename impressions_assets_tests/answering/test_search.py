"""A channel's index: kept while its rows are the same, made anew when they change."""

from pathlib import Path

import numpy as np
import pytest

from impressions_assets.answering.search import forget_indexes, open_search
from impressions_assets.chat.encoder import Encoder
from impressions_assets.errors import NothingToDo
from impressions_assets.rows import Chapter, Chapters, Document, QAPair, QAPairs, Video
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.duplicates import text_digest
from impressions_assets.text.signatures import signature_of
from impressions_assets_tests.chat.tiny import write_encoder

NAME = "talks"


def put(home: Home, video_id: str, text: str, **facts: str) -> None:
    url = f"https://example.org/watch?v={video_id}"
    video = Video(video_id=video_id, source="archive", title=f"Talk {video_id}", url=url, **facts)
    said = Document(
        video_id=video_id,
        text=text,
        split="train",
        language="en",
        anchor_offsets=(0,),
        anchor_seconds=(7.5,),
        text_digest=text_digest(text),
        signature=signature_of(text),
    )
    home.table("videos").put(NAME, [Entry(video)])
    home.table("documents").put(NAME, [Entry(said)])


def kept(scratch: Path) -> list[str]:
    return sorted(path.name for path in (scratch / "search" / NAME).iterdir())


def titles(home: Home, scratch: Path, words: str) -> list[str]:
    return [source.title for source in open_search(home, NAME, scratch).sources(words)]


def test_a_source_names_its_video_and_links_to_the_second(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Gradients fall.")
    [source] = open_search(home, NAME, tmp_path).sources("gradient")
    assert (source.title, source.link) == ("Talk a", "https://example.org/watch?v=a&t=7")
    assert (source.text, source.start_seconds, source.end_seconds) == ("Gradients fall.", 7.5, None)


def test_the_index_is_kept_while_the_rows_are_the_same(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Gradients fall.")
    open_search(home, NAME, tmp_path)
    [version] = kept(tmp_path)
    made = (tmp_path / "search" / NAME / version).stat().st_mtime_ns
    assert titles(home, tmp_path, "gradients") == ["Talk a"]
    assert (tmp_path / "search" / NAME / version).stat().st_mtime_ns == made


def test_a_change_is_found_and_the_earlier_index_goes(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Gradients fall.")
    open_search(home, NAME, tmp_path)
    before = kept(tmp_path)
    put(home, "b", "Losses rise.")
    assert titles(home, tmp_path, "losses") == ["Talk b"]
    chapters = Chapters(video_id="a", chapters=(Chapter(0.0, "Descent"),))
    home.table("chapters").put(NAME, [Entry(chapters)])
    assert titles(home, tmp_path, "descent") == ["Talk a"]
    assert len(kept(tmp_path)) == 1
    assert kept(tmp_path) != before


def test_a_duplicate_is_found_once(home: Home, tmp_path: Path) -> None:
    put(home, "late", "Gradients fall.", published="2024-02-02")
    put(home, "early", "Gradients fall.", published="2024-01-01")
    assert titles(home, tmp_path, "gradients") == ["Talk early"]


def test_nothing_to_search_says_what_to_do(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="run `impressions materialize talks`"):
        open_search(home, NAME, tmp_path)


def test_forgetting_leaves_no_words_behind(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Gradients fall.")
    open_search(home, NAME, tmp_path)
    forget_indexes(tmp_path, [])
    assert not list((tmp_path / "search").iterdir())
    forget_indexes(tmp_path, [])


def test_a_search_that_is_measured_does_not_know_the_questions(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Gradients fall.")
    titled = (Chapter(0.0, "Why descend?"), Chapter(8.0, "Descent"))
    chapters = Chapters(video_id="a", chapters=titled)
    home.table("chapters").put(NAME, [Entry(chapters)])
    asked = QAPair(question="Why descend?", answer="So.", start_seconds=0, end_seconds=9)
    home.table("qa_pairs").put(NAME, [Entry(QAPairs(video_id="a", pairs=(asked,)))])
    assert open_search(home, NAME, tmp_path).sources("why")
    for _ in range(2):  # each has an index of its own
        unasked = open_search(home, NAME, tmp_path, knows_questions=False)
        assert not unasked.sources("why")
        assert unasked.sources("descent")
        assert open_search(home, NAME, tmp_path).sources("why")


TEXTS = ("Gradients fall.", "Losses rise.", "Tokens are counted.")


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What encoders were given, in order."""
    pytest.importorskip("transformers")
    given: list[str] = []
    told = Encoder._encoded
    monkeypatch.setattr(
        Encoder, "_encoded", lambda self, texts: given.extend(texts) or told(self, texts)
    )
    return given


def by_meaning(tmp_path: Path, name: str = "model") -> str:
    if not (tmp_path / name).is_dir():
        write_encoder(tmp_path / name, [*TEXTS, name])
    return str(tmp_path / name)


def test_an_upload_encodes_its_own_passages_alone(
    home: Home, tmp_path: Path, encoded: list[str]
) -> None:
    encoder, told = by_meaning(tmp_path), []
    put(home, "a", TEXTS[0])
    for text in (TEXTS[1], TEXTS[2]):
        put(home, text[:1], text)
        for knows in (True, False):
            open_search(
                home,
                NAME,
                tmp_path,
                encoder,
                knows_questions=knows,
                tell=lambda done, of: told.append((done, of)),
            )
    assert sorted(encoded) == sorted(TEXTS)
    assert told == [(0, 2), (2, 2), (0, 1), (1, 1)]


def test_with_an_encoder_a_source_need_hold_no_word_of_the_question(
    home: Home, tmp_path: Path, encoded: list[str]
) -> None:
    put(home, "a", TEXTS[0])
    assert titles(home, tmp_path, "elephants") == []
    search = open_search(home, NAME, tmp_path, by_meaning(tmp_path))
    [source] = search.sources("elephants")
    assert (source.title, source.score) == ("Talk a", pytest.approx(0.8))
    assert search.excerpt(source, "elephants") == TEXTS[0]
    assert encoded == [TEXTS[0], "elephants"], "a question is encoded once"
    again = open_search(home, NAME, tmp_path, by_meaning(tmp_path))
    assert again.sources("elephants") == [source]


def test_another_encoder_makes_the_index_anew_and_vectors_of_the_earlier_go(
    home: Home, tmp_path: Path, encoded: list[str]
) -> None:
    put(home, "a", TEXTS[0])
    seen = []
    for name in ("model", "other"):
        open_search(home, NAME, tmp_path, by_meaning(tmp_path, name))
        [folder] = (tmp_path / "search" / f"{NAME}.vectors").glob("*/")
        seen.append((kept(tmp_path), folder.name))
    assert len(set(map(str, seen))) == 2
    assert encoded == [TEXTS[0]] * 2
    open_search(home, NAME, tmp_path)
    assert not list((tmp_path / "search" / f"{NAME}.vectors").glob("*/"))


def test_forgetting_leaves_no_vectors_behind(
    home: Home, tmp_path: Path, encoded: list[str]
) -> None:
    put(home, "a", TEXTS[0])
    open_search(home, NAME, tmp_path, by_meaning(tmp_path))
    forget_indexes(tmp_path, ["others"])
    assert [file.suffix for file in tmp_path.rglob("*.np[yz]")] == [".npz"]
    open_search(home, NAME, tmp_path, by_meaning(tmp_path))
    assert encoded == [TEXTS[0]], "a video of another channel cost this one hours"
    forget_indexes(tmp_path, [NAME])
    assert not list(tmp_path.rglob("*.np[yz]"))
    open_search(home, NAME, tmp_path, by_meaning(tmp_path))
    assert encoded == [TEXTS[0]] * 2


def test_what_is_forgotten_while_passages_are_encoded_comes_back_nowhere(
    home: Home, tmp_path: Path, encoded: list[str]
) -> None:
    put(home, "a", TEXTS[0])
    put(home, "b", TEXTS[1])
    told: list[int] = []

    def forget(done: int, of: int) -> None:
        told.append(of)
        home.table("documents").remove(NAME, [key_of("b")])

    search = open_search(home, NAME, tmp_path, by_meaning(tmp_path), tell=forget)
    assert [source.title for source in search.sources("losses")] == ["Talk a"]
    assert len(kept(tmp_path)) == 1
    with np.load(next(tmp_path.rglob("*.npz"))) as vectors:
        assert len(vectors["keys"]) == 1
    assert told == [2, 2]
