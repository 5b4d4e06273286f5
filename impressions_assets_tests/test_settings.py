"""Where things lie, read from two variables of the environment."""

from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.settings import child_environment, load_settings


def test_everything_lies_in_the_current_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.home == tmp_path / ".impressions"
    assert settings.storage == str(tmp_path / ".impressions/storage")
    assert settings.dagster_home == tmp_path / ".impressions/dagster"
    assert settings.scratch == tmp_path / ".impressions/scratch"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"IMPRESSIONS_HOME": "", "IMPRESSIONS_STORAGE": ""}) == load_settings({})


def test_relative_folders_become_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"IMPRESSIONS_HOME": "here", "IMPRESSIONS_STORAGE": "there"})
    assert (settings.home, settings.storage) == (tmp_path / "here", str(tmp_path / "there"))


def test_storage_follows_home() -> None:
    assert load_settings({"IMPRESSIONS_HOME": "/srv/imp"}).storage == "/srv/imp/storage"


@pytest.mark.parametrize("root", ["gs://bucket/prefix", "memory://", "file:///srv/x", "s3://b"])
def test_an_address_stays_as_it_is(root: str) -> None:
    assert load_settings({"IMPRESSIONS_STORAGE": root}).storage == root


def test_a_slash_at_the_end_of_an_address_makes_no_other_place() -> None:
    assert load_settings({"IMPRESSIONS_STORAGE": "gs://bucket/x/"}).storage == "gs://bucket/x"


@pytest.mark.parametrize("root", ["gs:/bucket", "gs://", "gs:///prefix", "GS://b"])
def test_a_mistyped_address_does_not_become_a_folder(root: str) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_STORAGE"):
        load_settings({"IMPRESSIONS_STORAGE": root})


def test_home_must_be_a_folder_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_HOME=gs://b is an address"):
        load_settings({"IMPRESSIONS_HOME": "gs://b"})
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        load_settings({"IMPRESSIONS_HOME": str(tmp_path / "file")})


def test_a_child_process_works_with_the_same_things_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"IMPRESSIONS_HOME": "here"})
    environment = child_environment(settings, {"PATH": "/bin", "IMPRESSIONS_HOME": "here"})
    assert environment["PATH"] == "/bin"
    assert environment["DAGSTER_HOME"] == str(tmp_path / "here/dagster")
    monkeypatch.chdir("/")
    assert load_settings(environment) == settings
