"""A tuning of a channel's chat model and the GPU that it runs on."""

from pathlib import Path

import pytest

from impressions_assets.resources.cards import held
from impressions_assets.rows import Document, QAPair, QAPairs
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.houses import ChildrenHere, House

pytest.importorskip("trl")

pytestmark = pytest.mark.slow  # torch and transformers are imported for the child


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
    pair = QAPair(question="What is a token?", answer="A number.", start_seconds=0, end_seconds=9)
    document = Document(video_id="a", text="A token is a number.", split="train")
    house.home.table("documents").put("talks", [Entry(document)])
    house.home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="a", pairs=(pair,)))])
    ChildrenHere.given.clear()
    with held(["3"], house.folder / "scratch" / "locks", 1, print):
        run = house.model("talks", "chat_model")
    assert not run.ok
    assert ChildrenHere.given == [("impressions_assets.chat.train", shown)]
