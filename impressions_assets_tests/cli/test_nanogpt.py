"""`nanogpt`: a training on files of another program, from a shell."""

from pathlib import Path

import pytest

from impressions_assets.gpt.run import TrainingResult
from impressions_assets_tests.cli.conftest import Impressions
from impressions_assets_tests.gpt.test_nanogpt import prepared


def test_a_wrong_setting_is_told_before_anything_is_written(
    impressions: Impressions, tmp_path: Path
) -> None:
    data, out = str(prepared(tmp_path / "data")), tmp_path / "out"
    said = impressions("nanogpt", data, "--to", str(out), "--preset", "huge")
    assert (said.exit_code, "no model preset is called 'huge'" in said.stderr) == (1, True)
    assert not out.exists()


def test_a_folder_without_tokens_is_refused_by_name(
    impressions: Impressions, tmp_path: Path
) -> None:
    data = prepared(tmp_path / "data")
    (data / "train.bin").unlink()
    said = impressions("nanogpt", str(data), "--to", str(tmp_path / "out"))
    assert (said.exit_code, "it has no train.bin" in said.stderr) == (1, True)


@pytest.mark.slow
def test_it_trains_and_leaves_a_checkpoint(impressions: Impressions, tmp_path: Path) -> None:
    data, out = str(prepared(tmp_path / "data")), tmp_path / "out"
    short = ("--preset", "debug", "--max_iters", "2", "--eval-iters", "2", "--device", "cpu")
    assert impressions("nanogpt", data, "--to", str(out), *short).exit_code == 0
    assert TrainingResult.load(out / "result.json").steps == 2
    assert (out / "last").exists()
