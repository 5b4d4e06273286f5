"""A video that failed is told with its reason on the terminal, and does not fail the run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from impressions_assets.cli.main import app


@pytest.mark.slow
def test_a_failed_video_is_named_with_its_reason_and_the_command_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "whole.txt").write_text("The words of a whole text. " * 20)
    (notes / "cut.json").write_text('{"text": "cut')
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))

    assert CliRunner().invoke(app, ["add", str(notes), "--name", "notes"]).exit_code == 0
    run = CliRunner().invoke(app, ["materialize", "notes", "--select", "videos"])

    # The view took the list of failed videos for another type, and its error ended the run.
    assert run.exit_code == 0, run.output
    assert "1 failed, the others went on" in run.output
    assert "cut.json: not valid JSON" in run.output
