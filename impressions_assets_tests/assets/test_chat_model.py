"""A tuning of a channel's chat model and the GPU that it runs on."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from impressions_assets.answering.search import forget_indexes
from impressions_assets.assets.tuning import prepare, publish
from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.chat.run import Figures
from impressions_assets.resources.cards import held
from impressions_assets.rows import Document, QAPair, QAPairs
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.chat.test_run import RESULT
from impressions_assets_tests.chat.tiny import write_encoder
from impressions_assets_tests.houses import ChildrenHere, House

pytest.importorskip("trl")

CHECKS = ("something_was_learned", "no_answer_was_cut", "likelier_than_before")

pytestmark = pytest.mark.slow  # torch and transformers are imported for the child


def put_a_pair(house: House) -> None:
    pair = QAPair(question="What is a token?", answer="A number.", start_seconds=0, end_seconds=9)
    document = Document(video_id="a", text="A token is a number.", split="train")
    house.home.table("documents").put("talks", [Entry(document)])
    house.home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="a", pairs=(pair,)))])


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, set()),
        ({"num_labels": 0}, {"something_was_learned"}),
        ({"history": ()}, {"something_was_learned"}),
        ({"num_lost_tokens": 3}, {"no_answer_was_cut"}),
        (
            {"held_out": Figures(base_bits_per_byte=1.0, bits_per_byte=2.0)},
            {"likelier_than_before"},
        ),
    ],
)
def test_the_checks_tell_a_tuning_that_learned_nothing_or_not_all(
    house: House, tmp_path: Path, changes: dict[str, Any], failed: set[str]
) -> None:
    house.declare("talks", tmp_path, chat={"variants": {"tiny": {"base": str(tmp_path / "none")}}})
    put_a_pair(house)
    channel = read_channels(house.home).channels["talks"]
    tuning = prepare(house.home, channel, house.folder / "scratch", None, {})
    result = msgspec.structs.replace(RESULT, **changes)
    result.save(tuning.run.out_dir / "result.json")
    made = publish(house.home, channel, tuning)
    assert made.current == ("something_was_learned" not in failed)
    run = house.model("talks", "chat_model")  # finds what this very tuning gave
    assert run.ok
    checks = {name: run.check("chat_model", name) for name in CHECKS}
    assert {name for name, check in checks.items() if not check.passed} == failed
    reason = checks["something_was_learned"].metadata["reason"].value
    assert reason == (result.fault or "it was")


def test_the_log_tells_how_many_passages_are_encoded_for_a_search_by_meaning(
    house: House, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    variants = {"tiny": {"base": str(tmp_path / "none")}}
    encoder = write_encoder(tmp_path / "encoder", ["what is a token"])
    house.declare("talks", tmp_path, chat={"variants": variants}, search={"encoder": str(encoder)})
    put_a_pair(house)
    channel, scratch = read_channels(house.home).channels["talks"], house.folder / "scratch"
    tuning = prepare(house.home, channel, scratch, None, {})
    RESULT.save(tuning.run.out_dir / "result.json")
    publish(house.home, channel, tuning)
    forget_indexes(scratch, ["talks"])
    assert house.model("talks", "chat_model").ok
    log = capfd.readouterr().err
    for done in (0, 1):
        assert f"{done} of 1 passages are encoded, for search by meaning" in log


@pytest.mark.parametrize(
    ("device", "shown"), [("cuda", {"CUDA_VISIBLE_DEVICES": "5"}), ("cpu", {})]
)
def test_a_tuning_is_shown_a_card_that_no_other_holds_and_none_for_the_cpu(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    device: str,
    shown: dict[str, str],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    there_is_none = {"tiny": {"base": str(tmp_path / "none"), "device": device}}
    house.declare("talks", tmp_path, chat={"variants": there_is_none})
    put_a_pair(house)
    ChildrenHere.given.clear()
    with held(["3"], house.folder / "scratch" / "locks", 1, print):
        run = house.model("talks", "chat_model")
    assert not run.ok
    assert ChildrenHere.given == [("impressions_assets.chat.train", shown)]
