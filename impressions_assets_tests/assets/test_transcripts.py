"""The `transcripts` asset: corrections by hand, and captions that change under them."""

import dagster as dg
import pytest

from impressions_assets.rows import CorrectedSegment, Correction
from impressions_assets.speech.corrections import UNFIT
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.archives import Archive, talk
from impressions_assets_tests.houses import House

pytestmark = pytest.mark.slow  # whole runs


def test_a_correction_counts_for_its_video_alone_until_other_captions_come(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    assert house.data("talks", "videos", "transcripts").ok
    change = CorrectedSegment(talk("talk-b")[0], 0, "Corrected.", 0.0, 5.0)
    correction = Correction(video_id="talk-b", table="transcripts", segments=(change,))
    house.home.table("corrections").put("talks", [Entry(correction)])

    run = house.data("talks", "transcripts")
    assert run.computed() == {"transcripts": 1}
    assert run.check("transcripts", "corrections_fit").passed
    row = house.home.table("transcripts").get("talks", key_of("talk-b"))
    assert row.segments[0].text == "Corrected."

    archive.add("talk-b", sentences=talk("something else"))
    run = house.data("talks", "videos", "transcripts")
    check = run.check("transcripts", "corrections_fit")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    row = house.home.table("transcripts").get("talks", key_of("talk-b"))
    assert [(one.reason, one.text) for one in row.dropped] == [(UNFIT, "Corrected.")]
