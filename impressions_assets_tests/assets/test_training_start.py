"""What a training starts from, and which flags it takes."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from impressions_assets.export import export
from impressions_assets.gpt.pretrained import LEARNING_RATE
from impressions_assets.reader import ChannelReader
from impressions_assets.text.splits import _place
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.assets.conftest import SHORT, train, versions, weights
from impressions_assets_tests.houses import House

pytestmark = pytest.mark.slow  # whole runs


@pytest.mark.slow
@pytest.mark.parametrize(("init", "started_from"), [("last", 2), ("1", 1)])
def test_a_training_can_start_from_the_last_or_a_given_version(
    house: House, talks: str, init: str, started_from: int
) -> None:
    train(house, talks, max_iters=8, eval_interval=4)
    train(house, talks, max_iters=1, seed=7)
    before = [weights(house, v) for v in house.home.artifacts(talks, "checkpoint")]
    assert train(house, talks, init=init, max_iters=2).ok
    made = house.home.artifacts(talks, "checkpoint")[-1]
    assert (made.version, made.fact("started_from_version")) == (3, started_from)
    assert [weights(house, v) for v in house.home.artifacts(talks, "checkpoint")[:2]] == before


@pytest.mark.slow
def test_a_start_can_only_be_no_worse_than_what_it_starts_from(house: House, talks: str) -> None:
    train(house, talks, max_iters=12, eval_interval=4)
    bad = train(house, talks, init="last", learning_rate=5.0, warmup_iters=0, max_iters=3)
    (first, second) = house.home.artifacts(talks, "checkpoint")
    assert bad.ok
    assert second.fact("val_bits_per_byte") <= first.fact("val_bits_per_byte") + 1e-9


def first_val_id() -> str:
    """A video that is held out before all that a channel of talks has."""
    return min((f"new-{n}" for n in range(200)), key=_place)


def test_after_new_videos_a_training_goes_on_from_the_last_and_the_table_shows_both(
    house: House, talks: str, archive: Archive
) -> None:
    """A validation text that became harder kept every model but the first from being promoted."""
    assert house.model(talks, **SHORT, learning_rate=0.01).ok
    (old,) = house.home.artifacts(talks, "checkpoint")
    noise = [sha256(bytes([n])).hexdigest() for n in range(12)]
    archive.add(first_val_id(), sentences=noise).add("talk-d")
    assert house.data(talks).ok
    run = house.model(talks, **SHORT, init="last")
    assert run.ok
    new = house.home.artifacts(talks, "checkpoint")[-1]
    assert new.fact("started_from_version") == old.version
    assert new.fact("train_tokens") > old.fact("train_tokens")
    assert new.fact("val_bits_per_byte") > 1.05 * old.fact("val_bits_per_byte")
    assert versions(house, talks) == [(1, False), (2, True)]
    rows = [row.data for row in run.metadata("evaluation")["versions"].records]
    assert [(row["version"], row["started_from"]) for row in rows] == [(1, "scratch"), (2, "1")]
    for row, version in zip(rows, (old, new), strict=True):
        assert row["val_bits_per_byte"] == version.fact("val_bits_per_byte")
        assert row["train_tokens"] == version.fact("train_tokens")
    assert "](data:image/png;base64," in run.metadata("evaluation")["versions_curve"]


NOISE = [sha256(bytes([n])).hexdigest() for n in range(12)]
LONG = {**SHORT, "max_iters": 60, "eval_interval": 20, "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("then", "now", "promoted"),
    [((None, SHORT), (NOISE, LONG), 2), ((NOISE, LONG), (None, SHORT), 1)],
)
def test_trainings_from_scratch_are_compared_on_the_validation_text_of_today(
    house: House,
    talks: str,
    archive: Archive,
    then: tuple[list[str] | None, dict[str, Any]],
    now: tuple[list[str] | None, dict[str, Any]],
    promoted: int,
) -> None:
    """A harder text kept better models back, an easier one promoted worse ones."""
    (before, first), (held_out, second) = then, now
    archive.add(first_val_id(), sentences=before)
    assert house.data(talks).ok
    assert train(house, talks, **first).ok
    archive.add(first_val_id(), sentences=held_out)
    assert house.data(talks).ok
    run = house.model(talks, **second)
    assert run.ok
    old, new = house.home.artifacts(talks, "checkpoint")
    recorded = [version.fact("val_bits_per_byte") for version in (old, new)]
    assert recorded.index(min(recorded)) + 1 != promoted  # as each was judged in its training
    assert versions(house, talks) == [(1, promoted == 1), (2, promoted == 2)]
    records = run.metadata("evaluation")["versions"].records
    today = [float(row.data["bits_per_byte_today"]) for row in records]
    assert today.index(min(today)) + 1 == promoted
    assert run.check("evaluation", "no_worse_than_before").passed is (promoted == 2)


def test_a_promoted_version_that_cannot_be_scored_stays_and_the_new_one_is_kept(
    house: House, talks: str, archive: Archive
) -> None:
    train(house, talks)
    (made,) = house.home.artifacts(talks, "checkpoint")
    (file,) = [f for f in made.files if f.name == "model.safetensors"]
    (house.folder / "storage" / "files" / file.digest[:2] / file.digest).unlink()
    archive.add(first_val_id())
    assert house.data(talks).ok
    assert train(house, talks).ok
    assert versions(house, talks) == [(1, True), (2, False)]


def test_a_training_can_start_from_a_gpt2_of_transformers(
    house: House, talks: str, tmp_path: Path
) -> None:
    train(house, talks, recipe="classic", n_layer=3)
    export(ChannelReader(house.home, talks), "huggingface", tmp_path / "gpt2")
    assert train(house, talks, init=f"hf:{tmp_path / 'gpt2'}", block_size=16, max_iters=2).ok
    made = house.home.artifacts(talks, "checkpoint")[-1]
    assert (made.fact("started_from"), made.fact("started_from_version")) == ("hf:gpt2", None)
    model = made.fact("model")
    assert (model["recipe"], model["n_layer"], model["block_size"]) == ("classic", 3, 16)
    assert made.fact("train")["learning_rate"] == LEARNING_RATE
    refused = train(house, talks, init=f"hf:{tmp_path / 'gpt2'}", n_layer=9)
    assert "its weights have n_layer 3; leave these settings out" in refused.failure()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"model_preset": "huge"}, "no model preset is called 'huge'; there are: debug"),
        ({"length_preset": "eternal"}, "no length preset is called 'eternal'"),
        ({"n_head": 3}, "n_embd 32 is not a multiple of n_head 3"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"device": "gpu9"}, "device is 'gpu9'"),
        ({"max_epochs": 1.0}, "max_iters and max_epochs both give the length"),
    ],
)
def test_a_wrong_flag_fails_with_what_is_allowed(
    house: House, archive: Archive, flags: dict[str, Any], says: str
) -> None:
    house.declare("talks", archive.folder)
    run = train(house, "talks", **flags)
    assert not run.ok
    assert says in run.failure()


@pytest.mark.parametrize(
    ("init", "says"),
    [
        ("best", "init is 'best': write 'scratch', 'last', a version's number, or 'hf:'"),
        ("hf:./nowhere", "cannot start from ./nowhere: there is no such folder"),
        ("9", "no version 9 of 'checkpoint'"),
        ("last", "has no current version of 'checkpoint' yet"),
    ],
)
def test_a_start_that_is_not_there_is_refused(
    house: House, talks: str, init: str, says: str
) -> None:
    assert says in train(house, talks, init=init).failure()
