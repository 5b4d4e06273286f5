"""Training as an asset: versions, promotion, what it starts from, and what it refuses."""

import math
import threading
import time
from pathlib import Path

import pytest

from impressions_assets.assets.checkpoint import has_fallen
from impressions_assets.assets.evaluation import are_no_worse
from impressions_assets.assets.training import only_training_of, prepare
from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.data import TrainingData
from impressions_assets.gpt.run import HistoryPoint, TrainingRun
from impressions_assets.gpt.stop import StopRequest
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.assets.conftest import SHORT, train, versions, weights
from impressions_assets_tests.houses import ChildrenHere, House

pytestmark = pytest.mark.slow  # whole runs, 28 seconds together


def test_a_training_becomes_a_version_with_its_figures_picture_and_sample(
    house: House, talks: str
) -> None:
    run = train(house, talks)
    assert run.ok
    shown = run.metadata("checkpoint")
    assert (shown["steps"], shown["version"], shown["promoted"]) == (6, 1, True)
    assert 0 < shown["bits_per_byte"] < 20
    assert shown["unigram_bits_per_byte"] > 0
    assert shown["loss_curve"].startswith("![loss curve](data:image/png;base64,")
    assert len(shown["loss_curve"]) < 50_000
    assert shown["sample"].startswith("> ")
    _, _, folder, *_ = shown["tensorboard"].split()
    assert list(Path(folder).rglob("*tfevents*"))  # they outlive the training's own folder
    assert shown["settings"]["train"]["max_iters"] == 6
    assert shown["settings"]["model"]["n_embd"] == 32
    assert run.check("checkpoint", "loss_is_finite_and_fell").passed
    assert run.check("checkpoint", "beats_unigram").partition == talks


def test_a_second_run_of_a_channel_waits_until_the_first_has_trained(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with only_training_of("talks", tmp_path, order.append):
            order.append("second")

    waiting = threading.Thread(target=second)
    with only_training_of("talks", tmp_path, order.append):
        waiting.start()
        while not order:
            time.sleep(0.01)
        order.append("first")
    waiting.join(timeout=30)
    said = "another run trains talks on this machine: waiting for it to end"
    assert order == [said, "first", "second"]


@pytest.mark.parametrize(("processes", "shown"), [(None, "3,5"), (1, "3")])
def test_a_training_is_shown_the_gpus_that_it_holds(
    house: House, talks: str, monkeypatch: pytest.MonkeyPatch, processes: int | None, shown: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    ChildrenHere.given.clear()
    assert train(house, talks, device="auto", processes=processes).ok
    assert train(house, talks, device="cpu", seed=2).ok
    trained = [given for module, given in ChildrenHere.given if module.endswith("train")]
    assert trained == [{"CUDA_VISIBLE_DEVICES": shown}, {}]
    ChildrenHere.given.clear()
    assert house.model(talks, "evaluation", "samples").ok
    assert [given for _, given in ChildrenHere.given] == [{"CUDA_VISIBLE_DEVICES": "3"}] * 2


def test_its_version_knows_its_shards_its_tokenizer_and_its_settings(
    house: House, talks: str
) -> None:
    train(house, talks)
    (made,) = house.home.artifacts(talks, "checkpoint")
    assert made.fact("shards_version") == house.home.version(talks, "token_shards").version
    assert made.fact("train_tokens") == house.home.version(talks, "token_shards").fact(
        "train_tokens"
    )
    assert made.fact("started_from_version") is None
    folder = house.home.store.fetch(made.files, house.folder / "fetched" / "checkpoint")
    saved = Checkpoint.open(folder)
    assert saved.meta.tokenizer == house.home.version(talks, "tokenizer").fact("digest")
    assert not any(file.name.endswith((".pt", ".pkl", ".bin")) for file in made.files)


def test_a_finished_training_is_not_done_twice(house: House, talks: str) -> None:
    first = train(house, talks).metadata("checkpoint")
    again = train(house, talks).metadata("checkpoint")
    assert versions(house, talks) == [(1, True)]
    assert again["version"] == first["version"]
    assert again["loss_curve"] == first["loss_curve"]
    assert list((house.folder / "scratch" / "training").iterdir()) == []


def test_a_training_that_keeps_nothing_leaves_the_progress_of_one_that_does(
    house: House, talks: str
) -> None:
    channel, scratch = read_channels(house.home).channels[talks], house.folder / "scratch"
    kept = prepare(house.home, channel, scratch, SHORT)
    unsaved = prepare(house.home, channel, scratch, SHORT, save=False)
    unsaved.discard()
    assert kept.run == TrainingRun.load(kept.run_file)
    assert kept.run.shards_dir.exists()


def test_the_same_weights_have_the_same_data_version_however_long_they_took(
    house: House, talks: str
) -> None:
    train(house, talks)
    (first,) = house.home.artifacts(talks, "checkpoint")
    version = house.data_version("checkpoint", talks)
    house.home.table("artifacts").remove(talks, ["checkpoint-000001"])
    train(house, talks)
    (again,) = house.home.artifacts(talks, "checkpoint")
    assert weights(house, again) == weights(house, first)
    assert again.digest != first.digest  # its figures tell another speed
    assert house.data_version("checkpoint", talks) == version


def test_the_samples_are_of_the_promoted_model_also_when_it_is_an_older_one(
    house: House, talks: str
) -> None:
    spoke = []
    for flags, promoted in (
        (SHORT, None),
        ({**SHORT, "max_iters": 12, "eval_interval": 4}, None),
        (SHORT, 1),
    ):
        train(house, talks, **flags)
        if promoted:
            house.home.promote(talks, "checkpoint", promoted)
        assert house.model(talks, "samples").ok
        samples = house.home.version(talks, "samples")
        spoke.append(samples.fact("checkpoint_version"))
    assert spoke == [1, 2, 1]


def test_an_unmeasured_start_of_a_training_does_not_replace_a_whole_one(
    house: House, talks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainingData, "can_evaluate", False)
    train(house, talks)
    monkeypatch.setattr(StopRequest, "reason", "SIGUSR1")
    stopped = train(house, talks, seed=7)
    assert stopped.metadata("checkpoint")["promoted"] is False
    assert versions(house, talks) == [(1, True), (2, False)]


def test_other_settings_make_another_version_and_the_better_one_is_promoted(
    house: House, talks: str
) -> None:
    good = train(house, talks, max_iters=12, eval_interval=4)
    worse = train(house, talks, max_iters=1, seed=7)
    assert (
        worse.metadata("checkpoint")["bits_per_byte"]
        > (good.metadata("checkpoint")["bits_per_byte"])
    )
    assert worse.metadata("checkpoint")["promoted"] is False
    assert versions(house, talks) == [(1, True), (2, False)]
    better = train(house, talks, init="1", max_iters=12, eval_interval=4)
    assert better.metadata("checkpoint")["promoted"] is True
    assert versions(house, talks) == [(1, False), (2, False), (3, True)]


def test_a_channel_without_shards_is_told_how_to_make_them(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    message = train(house, "talks").failure()
    assert "has no current version of 'token_shards' yet" in message
    assert "impressions materialize talks" in message


def test_an_error_of_the_child_reaches_the_user(house: House, talks: str) -> None:
    message = train(house, talks, learning_rate=1e30, warmup_iters=0, grad_clip=0.0).failure()
    assert "training broke down" in message
    assert "lower learning_rate" in message
    assert versions(house, talks) == []


def test_a_stored_checkpoint_that_was_cut_is_refused_by_name(house: House, talks: str) -> None:
    train(house, talks)
    (made,) = house.home.artifacts(talks, "checkpoint")
    (file,) = [f for f in made.files if f.name == "model.safetensors"]
    blob = house.folder / "storage" / "files" / file.digest[:2] / file.digest
    data = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(data[: len(data) // 2])
    message = train(house, talks, init="last", max_iters=2).failure()
    assert "model.safetensors" in message
    assert "was damaged after it was stored" in message
    assert versions(house, talks) == [(1, True)]


def test_evaluation_and_samples_tell_of_the_promoted_model_and_are_kept(
    house: House, talks: str
) -> None:
    run = house.model(talks, **SHORT)
    assert run.ok
    bits = run.metadata("evaluation")["bits_per_byte"]
    assert bits == pytest.approx(run.metadata("checkpoint")["bits_per_byte"], rel=0.05)
    assert run.check("evaluation", "no_worse_than_before").passed
    (version,) = (row.data for row in run.metadata("evaluation")["versions"].records)
    assert version["version"] == 1
    for name in ("repetition_rate", "distinct_bigrams", "longest_copied_tokens"):
        assert version[name] == str(run.metadata("evaluation")[name])
    assert "](data:image/png;base64," in run.metadata("evaluation")["versions_curve"]
    samples = run.metadata("samples")["samples"].split("\n\n---\n\n")
    assert len(samples) == 3
    assert sum(text.startswith("Talk talk-") for text in samples) == 2
    before = {name: house.data_version(name, talks) for name in ("evaluation", "samples")}
    again = house.model(talks, "evaluation", "samples")
    assert again.metadata("samples") == run.metadata("samples")
    assert {name: house.data_version(name, talks) for name in before} == before
    assert len(house.home.artifacts(talks, "evaluation")) == 1


def test_a_better_model_with_an_earlier_tokenizer_stays_and_is_measured_on_the_same_words(
    house: House, talks: str
) -> None:
    good = train(house, talks, max_iters=60, eval_interval=20, learning_rate=0.01)
    text = house.home.store.read_text("channels.yaml") or ""
    house.home.store.write_text(
        "channels.yaml", text.replace("vocab_size: 300", "kind: characters")
    )
    assert house.data(talks).ok
    run = house.model(talks, **{**SHORT, "max_iters": 1})
    assert run.ok
    assert versions(house, talks) == [(1, True), (2, False)]
    bits = good.metadata("checkpoint")["bits_per_byte"]
    assert run.metadata("evaluation")["bits_per_byte"] == pytest.approx(bits, rel=0.05)
    assert not run.check("evaluation", "no_worse_than_before").passed  # the newest is worse
    rows = {row.data["version"]: row.data for row in run.metadata("evaluation")["versions"].records}
    today = {version: float(row["bits_per_byte_today"]) for version, row in rows.items()}
    assert today[1] == pytest.approx(bits, rel=0.05)
    assert today[2] == pytest.approx(rows[2]["val_bits_per_byte"], rel=0.05)
    house.home.promote(talks, "checkpoint", 2)
    now = house.model(talks, "evaluation")
    assert not now.check("evaluation", "no_worse_than_before").passed
    rows = {row.data["version"]: row.data for row in now.metadata("evaluation")["versions"].records}
    assert rows[2]["repetition_rate"] == str(now.metadata("evaluation")["repetition_rate"])


@pytest.mark.parametrize(
    ("scores", "judged", "passed"),
    [
        ({1: 2.0, 2: 2.0}, (1, 2), True),
        ({1: 2.0, 2: 2.1}, (1, 2), False),
        ({1: 2.0, 2: 2.1}, (2, 2), False),
        ({1: 2.0, 2: 2.1, 3: 2.0}, (1, 3), True),
        ({1: 2.0, 2: 2.0015}, (1, 2), True),
        ({}, (1, 2), True),
    ],
)
def test_the_promoted_and_the_newest_version_are_held_against_the_best(
    scores: dict[int, float], judged: tuple[int, int], passed: bool
) -> None:
    assert are_no_worse(scores, judged) is passed


@pytest.mark.parametrize(
    ("val_losses", "fell"),
    [
        ([9.0, 6.5, 7.1, 11.8], True),
        ([6.5, 6.6, 6.5], False),
        ([9.0, 6.5, math.inf], False),
        ([math.nan, 6.5], False),
        ([9.0], False),
        ([], False),
    ],
)
def test_a_loss_has_fallen_if_it_was_ever_below_that_of_the_start(
    val_losses: list[float], fell: bool
) -> None:
    points = enumerate(val_losses)
    history = [HistoryPoint(n * 250, 5.0 if n else None, loss) for n, loss in points]
    assert has_fallen(history) is fell
