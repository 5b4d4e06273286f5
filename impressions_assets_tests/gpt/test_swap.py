"""A folder is replaced whole or not at all, whenever the process dies."""

from pathlib import Path

import pytest

from impressions_assets.gpt.swap import current, replacing, settle


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and go on."""


def write(folder: Path, text: str) -> None:
    with replacing(folder) as new:
        for name in ("a", "b"):
            (new / name).write_text(text)


def read(folder: Path) -> str:
    place = current(folder)
    assert place is not None
    texts = {(place / name).read_text() for name in ("a", "b")}
    assert len(texts) == 1, "a mixture of old and new"
    return texts.pop()


def test_the_new_takes_the_place_of_the_old(tmp_path):
    write(tmp_path / "last", "old")
    write(tmp_path / "last", "new")
    assert read(tmp_path / "last") == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["last"]


def test_nothing_was_ever_written(tmp_path):
    assert current(tmp_path / "last") is None


def test_what_fails_while_it_is_filled_leaves_the_old(tmp_path):
    write(tmp_path / "last", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "last") as new:
        (new / "missing" / "a").write_text("new")
    assert read(tmp_path / "last") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["last"]


@pytest.mark.parametrize("earlier", [None, "old"])
@pytest.mark.parametrize("renames", range(4))
def test_a_kill_between_renames_leaves_old_or_new_and_is_mended(
    tmp_path, monkeypatch, earlier, renames
):
    folder, done, rename = tmp_path / "last", [], Path.rename
    if earlier:
        write(folder, earlier)

    def dying(self: Path, target: Path) -> Path:
        if len(done) == renames:
            raise Killed
        done.append(target)
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        try:
            write(folder, "new")
        except Killed:
            pass
        else:
            assert renames >= len(done)
    if earlier or current(folder):
        assert read(folder) in {earlier, "new"}
        settle(folder)
        assert read(folder) in {earlier, "new"}
    write(folder, "newest")
    assert read(folder) == "newest"
    assert [p.name for p in tmp_path.iterdir()] == ["last"]


def test_a_kill_while_filling_leaves_the_old_readable_and_the_next_write_cleans_up(tmp_path):
    write(tmp_path / "last", "old")
    (tmp_path / "last.partial").mkdir()
    (tmp_path / "last.partial" / "a").write_text("ne")
    assert read(tmp_path / "last") == "old"
    write(tmp_path / "last", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["last"]
