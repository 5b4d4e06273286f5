"""`impressions storage copy`."""

from pathlib import Path

import pytest

from impressions_assets_tests.cli.conftest import Impressions


def test_a_root_is_copied_and_works_where_it_was_copied_to(
    in_talks: Impressions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = in_talks("storage", "copy", str(tmp_path / "talks/storage"), str(tmp_path / "copy"))
    assert said.exit_code == 0, said.stderr
    assert f"IMPRESSIONS_STORAGE={tmp_path / 'copy'} works with them" in said.output + said.stderr
    monkeypatch.setenv("IMPRESSIONS_STORAGE", str(tmp_path / "copy"))
    assert "talks" in in_talks("channels").output
    again = in_talks("storage", "copy", str(tmp_path / "talks/storage"), str(tmp_path / "copy"))
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "is not empty" in again.stderr
