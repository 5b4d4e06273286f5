"""A channel's guard: learned from its rows, from a preset, or from both."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from impressions_assets.answering.scope import forget_scopes, open_guard
from impressions_assets.channels.channel import ArchiveSource, Channel
from impressions_assets.channels.scope import ScopeSettings
from impressions_assets.errors import NothingToDo
from impressions_assets.rows import Document, Video
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.chat.tiny import write_encoder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wordfreq") is None, reason="wordfreq is not installed"
)
BREAD = "Feed the starter, let the dough rest and bake the bread. " * 20
GRAPES = "Press the grapes, let the must ferment and rack the wine. " * 20


def channel(**scope: object) -> Channel:
    return Channel(
        name="talks", sources=(ArchiveSource(archive="/a"),), scope=ScopeSettings(**scope)
    )


def put(home: Home, video_id: str, title: str, text: str) -> None:
    home.table("videos").put("talks", [Entry(Video(video_id=video_id, source="a", title=title))])
    said = Document(video_id=video_id, text=text, split="train", language="en")
    home.table("documents").put("talks", [Entry(said)])


def belongs(home: Home, scratch: Path, question: str, **scope: object) -> bool:
    return open_guard(home, channel(**scope), scratch).judge(question).in_scope


def test_a_channel_teaches_its_subject_and_a_new_video_adds_to_it(
    home: Home, tmp_path: Path
) -> None:
    put(home, "a", "Baking", BREAD)
    assert belongs(home, tmp_path, "How long does dough rest?")
    assert not belongs(home, tmp_path, "When do I press the grapes?")
    put(home, "b", "Making wine", GRAPES)
    assert belongs(home, tmp_path, "When do I press the grapes?")
    assert len(list((tmp_path / "scopes" / "talks").iterdir())) == 1


def test_what_was_learned_is_kept_and_forgotten(home: Home, tmp_path: Path) -> None:
    put(home, "a", "Baking", BREAD)
    assert belongs(home, tmp_path, "How long does dough rest?")
    [file] = (tmp_path / "scopes" / "talks").iterdir()
    file.write_bytes(file.read_bytes().replace(b"dough", b"tough"))
    assert not belongs(home, tmp_path, "What is dough?")
    file.write_bytes(b"damaged")
    assert belongs(home, tmp_path, "What is dough?")
    forget_scopes(tmp_path)
    assert not (tmp_path / "scopes").exists()


def test_a_preset_needs_no_video(home: Home, tmp_path: Path) -> None:
    assert belongs(home, tmp_path, "What does a decorator do in Python?", preset="python")
    assert not belongs(home, tmp_path, "What do pythons eat?", preset="python")


def test_what_channels_yaml_says_counts(home: Home, tmp_path: Path) -> None:
    guard = open_guard(
        home,
        channel(learn=False, keywords=["pizza oven"], patterns=["(?i)forno"], answer="Only pizza."),
        tmp_path,
    )
    assert guard.judge("Il forno?").in_scope
    assert guard.judge("Which pizza oven is best?").in_scope
    assert guard.answer == "Only pizza."


def test_nothing_to_learn_from_says_what_to_do(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="run `impressions materialize talks`, or write `scope"):
        open_guard(home, channel(), tmp_path)


def test_an_encoder_that_channels_yaml_names_encodes_the_examples_once(
    home: Home, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    examples = {"in_scope": ("When do I stop?",), "out_of_scope": ("When do I go?",)}
    folder = write_encoder(tmp_path / "model", [*examples["in_scope"], *examples["out_of_scope"]])
    put(home, "a", "Baking", BREAD)
    for _ in range(2):
        guard = open_guard(home, channel(encoder=str(folder), **examples), tmp_path)
    assert guard.judge("How long does dough rest?").in_scope
    [file] = (tmp_path / "vectors").rglob("*.npz")
    assert len(np.load(file)["keys"]) == 2


def test_an_encoder_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="no example questions to learn from"):
        ScopeSettings(encoder="owner/name")


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        ScopeSettings(patterns=("(",))
