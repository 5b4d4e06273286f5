import msgspec
import pytest

from impressions_assets.chat.run import ChatResult
from impressions_assets.gpt.run import HistoryPoint

RESULT = ChatResult(
    base="b",
    method="full",
    steps=4,
    epochs=1,
    num_examples=1,
    num_pairs=1,
    num_answer_tokens=9,
    num_lost_tokens=0,
    num_cut_prompt_tokens=0,
    num_labels=9,
    num_parameters=1,
    num_trained_parameters=1,
    device="cpu",
    precision="float32",
    max_length=16,
    seconds=1.0,
    history=tuple(HistoryPoint(step, 4.0 - step) for step in range(4)),
)


def test_a_loss_that_fell_is_no_fault() -> None:
    assert RESULT.fault == ""


@pytest.mark.parametrize(
    ("losses", "num_labels", "why"),
    [
        ([4.0, 1.0], 0, "all labels are masked"),
        ([], 9, "no step"),
        ([None, None], 9, "no step"),
        ([4.0, float("nan")], 9, "no number"),
        ([0.0, 0.0], 9, "0 from the first step"),
        ([2.0, 2.0, 2.0], 9, "did not fall: 2.000 at first, 2.000 at the end"),
        ([1.0, 5.0, 1.5], 9, "did not fall"),
    ],
)
def test_a_tuning_that_learned_nothing_says_why(
    losses: list[float | None], num_labels: int, why: str
) -> None:
    history = tuple(HistoryPoint(step, loss) for step, loss in enumerate(losses))
    assert why in msgspec.structs.replace(RESULT, history=history, num_labels=num_labels).fault
