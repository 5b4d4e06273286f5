"""Curves for TensorBoard: what the log says, each step once, and nothing where it is missing."""

import errno
import math
import sys

import pytest

from impressions_assets.gpt.board import Board
from impressions_assets_tests.gpt.driving import killed, trained

pytest.importorskip("tensorboard")


def curves(folder) -> dict[str, dict[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder)).Reload()
    found = {}
    for tag in read.Tags()["scalars"]:
        points = [(event.step, event.value) for event in read.Scalars(tag)]
        found[tag] = dict(points)
        assert len(points) == len(found[tag])  # no step twice
    return found


def test_each_figure_of_the_log_is_a_curve_that_goes_on_after_a_kill(corpus, tmp_path):
    run = corpus.run(tmp_path, tensorboard=True)
    killed(run, "step 17 loss")
    assert max(curves(tmp_path / "tensorboard" / "train")["loss"]) > 10
    result = trained(run)
    assert result.resumed_from == 10
    drawn, val = (curves(tmp_path / "tensorboard" / split) for split in ("train", "val"))
    rest = {"learning_rate", "gradient_norm", "tokens_per_second", "mfu"}
    assert drawn.keys() == {"loss", "bits_per_byte", *rest}
    assert val.keys() == {"loss", "bits_per_byte"}
    assert drawn["loss"] == pytest.approx(
        {p.step: p.train_loss for p in result.history if p.train_loss is not None}
    )
    expected = {p.step: p.val_loss for p in result.history if p.val_loss}
    assert val["loss"] == pytest.approx(expected)
    assert all(math.isfinite(norm) and norm > 0 for norm in drawn["gradient_norm"].values())


def test_a_training_that_starts_anew_leaves_none_of_the_curves_before(corpus, tmp_path):
    trained(corpus.run(tmp_path, tensorboard=True, max_iters=9))
    again = trained(corpus.run(tmp_path, tensorboard=True, max_iters=3, resume=False))
    drawn = curves(tmp_path / "tensorboard" / "train")
    assert drawn["loss"] == pytest.approx(
        {p.step: p.train_loss for p in again.history if p.train_loss is not None}
    )


def test_without_tensorboard_it_trains_and_says_nothing(corpus, tmp_path, monkeypatch):
    lines: list[str] = []
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert trained(corpus.run(tmp_path, tensorboard=True, max_iters=3), lines=lines).steps == 3
    assert not (tmp_path / "tensorboard").exists()
    assert not any("tensorboard" in line for line in lines)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("full_at", [0, 3, 40])
def test_a_full_disk_ends_the_curves_and_not_the_training(corpus, tmp_path, monkeypatch, full_at):
    """Points wait for a thread of TensorBoard's, whose error comes with one of the next."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    written, write = [], RecordWriter.write

    def write_until_full(writer, data):
        written.append(data)
        if len(written) > full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(writer, data)

    monkeypatch.setattr(RecordWriter, "write", write_until_full)
    lines: list[str] = []
    assert trained(corpus.run(tmp_path, tensorboard=True, max_iters=12), lines=lines).steps == 12
    (told,) = (line for line in lines if "curves for TensorBoard end here" in line)
    assert f"{tmp_path / 'tensorboard'} ([Errno 28] No space left on device)" in told


def test_curves_that_cannot_be_begun_are_told(corpus, tmp_path):
    (tmp_path / "tensorboard").write_text("a file, not a folder")
    lines: list[str] = []
    assert trained(corpus.run(tmp_path, tensorboard=True, max_iters=2), lines=lines).steps == 2
    assert sum("cannot be written to" in line for line in lines) == 1


def test_without_a_folder_nothing_is_drawn(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Board(None, None, None).draw("train", 1, loss=1.0)
    trained(corpus.run(tensorboard=True, max_iters=2))
    assert trained(corpus.run(tmp_path / "out", max_iters=2)).steps == 2  # switched off
    assert list(tmp_path.rglob("*tfevents*")) == []
