"""Vectors that are kept: made once, gone on with, and left when nobody wants them."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impressions_assets.chat.vectors import KeptVectors

MANY = [f"{'x' * at} {at}" for at in range(300)]  # more than a part, none of another's length


class Model:
    """Encodes a text as its length and its last character; counts, and may be interrupted."""

    def __init__(self, interrupted_after: int | None = None) -> None:
        self.encoded: list[str] = []
        self._left = interrupted_after

    def __call__(self, texts: list[str]) -> np.ndarray:
        if self._left is not None:
            if self._left < len(texts):
                raise KeyboardInterrupt
            self._left -= len(texts)
        self.encoded += texts
        return vectors_of(texts)


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    return np.array([[len(text), ord(text[-1])] for text in texts], np.float32)


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_a_text_is_encoded_once_and_stands_where_it_was_asked_for(tmp_path: Path) -> None:
    model = Model()
    for texts in (["c", "bb"], ["bb", "aaa", "c", "bb"], ["aaa"]):
        found = KeptVectors(tmp_path / "kept").of(texts, model)
        np.testing.assert_array_equal(found, vectors_of(texts))
    assert sorted(model.encoded) == ["aaa", "bb", "c"]


def test_what_is_interrupted_goes_on_from_there(tmp_path: Path) -> None:
    stopped, told = Model(interrupted_after=170), []
    with pytest.raises(KeyboardInterrupt):
        KeptVectors(tmp_path / "kept").of(MANY, stopped)
    assert len(stopped.encoded) == 160  # whole batches, of which 128 were written before
    model = Model()
    found = KeptVectors(tmp_path / "kept").of(MANY, model, lambda *numbers: told.append(numbers))
    np.testing.assert_array_equal(found, vectors_of(MANY))
    assert not set(model.encoded) & set(stopped.encoded)
    assert told == [(0, 140), (32, 140), (64, 140), (96, 140), (128, 140), (140, 140)]


def test_a_part_is_on_disk_before_all_is_made(tmp_path: Path) -> None:
    kept, there = tmp_path / "kept", []
    KeptVectors(kept).of(MANY, Model(), lambda done, _: there.append((done, len(parts(kept)))))
    assert there[1:6] == [(32, 0), (64, 0), (96, 0), (128, 1), (160, 1)]
    assert len(parts(kept)) == 1


def test_what_nobody_wants_any_more_goes_unless_others_may(tmp_path: Path) -> None:
    for shared, encoded in ((False, ["aaa", "c", "c"]), (True, ["aaa", "c"])):
        model, folder = Model(), tmp_path / str(shared)
        for texts in (["c"], ["aaa"], ["c"]):
            KeptVectors(folder, shared=shared).of(texts, model)
        assert sorted(model.encoded) == encoded
        assert len(parts(folder)) == 1


def test_nobody_is_told_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    for _ in range(2):
        KeptVectors(tmp_path / "kept").of(["c"], Model(), lambda *numbers: told.append(numbers))
    assert told == [(0, 1), (1, 1)]


@pytest.mark.parametrize("damaged", [b"damaged", b""])
def test_what_is_damaged_is_made_again(tmp_path: Path, damaged: bytes) -> None:
    kept = KeptVectors(tmp_path / "kept")
    kept.of(["c"], Model())
    parts(tmp_path / "kept")[0].write_bytes(damaged)
    for encoded in (["c"], []):
        model = Model()
        np.testing.assert_array_equal(kept.of(["c"], model), vectors_of(["c"]))
        assert model.encoded == encoded


def test_who_wants_what_another_is_making_waits_for_it(tmp_path: Path) -> None:
    begun, told, second = threading.Event(), threading.Event(), Model()

    def slow(texts: list[str]) -> np.ndarray:
        begun.set()
        assert told.wait(60)
        return vectors_of(texts)

    kept, said = tmp_path / "kept", []
    with ThreadPoolExecutor(2) as threads:
        threads.submit(KeptVectors(kept).of, ["c", "bb"], slow)
        assert begun.wait(60)
        found = threads.submit(KeptVectors(kept).of, ["bb", "c"], second, lambda *_: said.append(1))
        assert not wait([found], timeout=0.3).done
        told.set()
        np.testing.assert_array_equal(found.result(), vectors_of(["bb", "c"]))
    assert second.encoded == []
    assert not said, "there was nothing left to encode"


def test_forgotten_meanwhile_it_ends_nevertheless(tmp_path: Path) -> None:
    def forgets(texts: list[str]) -> np.ndarray:
        for file in tmp_path.glob("kept*"):
            file.rmdir() if file.is_dir() else file.unlink()
        return vectors_of(texts)

    found = KeptVectors(tmp_path / "kept").of(["c"], forgets)
    np.testing.assert_array_equal(found, vectors_of(["c"]))


def test_forgotten_while_a_part_is_written_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, save = tmp_path / "kept", np.savez

    def forgets(*given: Any, **vectors: Any) -> None:
        monkeypatch.undo()
        save(*given, **vectors)
        shutil.rmtree(kept)

    monkeypatch.setattr(np, "savez", forgets)
    KeptVectors(kept).of(["c"], Model())
    assert len(parts(kept)) == 1


def test_a_draft_of_who_was_killed_goes(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "kept")
    kept.of(["c"], Model())
    (tmp_path / "kept" / "half.draft").write_bytes(b"half")
    kept.of(["c"], Model())
    assert [part.suffix for part in parts(tmp_path / "kept")] == [".npz"]


def test_without_a_folder_nothing_is_kept_and_texts_go_in_batches() -> None:
    sizes = []

    def encode(texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return vectors_of(texts)

    np.testing.assert_array_equal(KeptVectors(None).of(MANY, encode), vectors_of(MANY))
    assert max(sizes) == 32
