"""A channel in a bucket is the channel in a folder."""

from pathlib import Path

import fsspec
import pytest

from impressions_assets_tests.archives import Archive
from impressions_assets_tests.bucket.conftest import CHANNEL, ROOT
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.mark.slow
def test_a_channel_in_a_bucket_has_the_data_and_the_model_that_it_has_in_a_folder(
    archive: Archive, gcs: GoogleCloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from impressions_assets.jobs import DATA_ASSETS
    from impressions_assets_tests.assets.conftest import SHORT, SMALL, weights
    from impressions_assets_tests.houses import House

    key_file = tmp_path / "key.json"
    key_file.write_text(gcs.service_account)
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(key_file))
    monkeypatch.setitem(fsspec.config.conf, "gs", gcs.file_options)

    def facts(storage: str) -> tuple[dict[str, str], dict[str, str], dict[str, str], float]:
        monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("IMPRESSIONS_STORAGE", storage)
        with dg.DagsterInstance.ephemeral() as instance:
            house = House(tmp_path / "home", instance)
            house.declare(CHANNEL, archive.folder, tokenizer=SMALL)
            assert house.data(CHANNEL).ok
            requests = len(gcs.requests)
            again = house.data(CHANNEL)
            asked = [r.split(" ")[0] for r in gcs.requests[requests:]]
            assert set(asked) <= {"GET"}, "nothing was new"
            assert len(asked) < 200  # 522 when each read looked at its table anew
            assert again.ok
            assert set(again.computed().values()) == {0}
            versions = {name: house.data_version(name, CHANNEL) for name in DATA_ASSETS}
            digests = {row.kind: row.digest for row in house.home.table("artifacts").rows(CHANNEL)}
            assert set(house.decoded(CHANNEL)) == {"talk-a", "talk-b", "talk-c"}
            model = house.model(CHANNEL, **SHORT)  # checkpoint, evaluation and samples
            assert model.ok
            assert house.home.current(CHANNEL, "samples")
            trained = weights(house, house.home.version(CHANNEL, "checkpoint"))
            return versions, digests, trained, model.metadata("evaluation")["bits_per_byte"]

    assert facts(ROOT) == facts(str(tmp_path / "folder"))
    assert gcs.names("talks/files/")
