"""The jobs: tags that the queue needs, and a channel added from the UI."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from impressions_assets.channels.file import parse_channels
from impressions_assets.definitions import defs
from impressions_assets.jobs import lane
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House


def add(house: House, **config: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("add_channel").execute_in_process(
        run_config={"ops": {"write_channel": {"config": config}}},
        instance=house.instance,
        raise_on_error=False,
    )


def channels(house: House) -> dict[str, int]:
    text = house.home.store.read_text("channels.yaml") or ""
    return {name: len(c.sources) for name, c in parse_channels(text).channels.items()}


def test_add_channel_writes_it_into_channels_yaml(house: House, archive: Archive) -> None:
    assert add(house, sources=[str(archive.folder)], name="talks").success
    assert channels(house) == {"talks": 1}


def test_add_channel_finds_a_name_when_none_is_given(house: House, archive: Archive) -> None:
    assert add(house, sources=[str(archive.folder)]).success
    assert channels(house) == {"archive": 1}


def test_add_channel_takes_a_link(house: House) -> None:
    assert add(house, sources=["youtube.com/@Somebody/videos"]).success
    assert channels(house) == {"somebody": 1}


def test_add_channel_keeps_other_channels_and_comments(
    house: House, archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("a note")
    kept = f"# mine\nchannels:\n  notes:\n    sources:\n      - text: {tmp_path}/notes.txt  # why\n"
    house.home.store.write_text("channels.yaml", kept)
    assert add(house, sources=[str(archive.folder)], name="talks").success
    assert channels(house) == {"notes": 1, "talks": 1}
    assert (house.home.store.read_text("channels.yaml") or "").startswith(kept)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"sources": ["/no/such/folder"], "name": "talks"}, "/no/such/folder"),
        ({"sources": ["ARCHIVE"], "name": "No Good"}, "No Good"),
        ({"sources": [], "name": "talks"}, "needs a source"),
        ({"sources": []}, "needs a source"),
    ],
)
def test_add_channel_says_what_is_wrong_and_writes_nothing(
    house: House, archive: Archive, config: dict[str, Any], says: str
) -> None:
    config["sources"] = [s.replace("ARCHIVE", str(archive.folder)) for s in config["sources"]]
    result = add(house, **config)
    assert not result.success
    (event,) = [e for e in result.all_events if e.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None, event.step_failure_data.error
    assert says in str(failure.description)
    assert house.home.store.read_text("channels.yaml") is None


def test_data_and_training_of_a_channel_have_lanes_of_their_own() -> None:
    assert lane("talks", "data") == {"impressions/lane": "talks:data"}
    for name, kind in (("channel_data", "data"), ("channel_model", "model")):
        job = defs.resolve_job_def(name)
        tags = job.partitioned_config.tags_for_partition_key_fn("talks")  # type: ignore[union-attr]
        assert tags == lane("talks", kind)
