"""Splits: decided by the id alone."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.text.splits import ensure_validation, split_of


def test_a_video_keeps_its_split_for_ever() -> None:
    ids = [f"video{number}" for number in range(2000)]
    val = [video_id for video_id in ids if split_of(video_id, 0.1) == "val"]
    assert 150 < len(val) < 250
    assert val[:3] == ["video3", "video13", "video66"]
    assert set(val) <= {video_id for video_id in ids if split_of(video_id, 0.2) == "val"}


@given(st.dictionaries(st.text(), st.sampled_from(["train", "val"])))
def test_there_is_something_to_learn_from_and_to_judge_by(splits: dict[str, str]) -> None:
    mended = ensure_validation(splits)
    assert mended.keys() == splits.keys()
    if splits:
        assert "train" in mended.values()
    if len(splits) > 1:
        assert "val" in mended.values()
    if len(set(splits.values())) == 2:
        assert mended == splits


def test_the_lowest_hash_is_the_one_to_judge_by() -> None:
    ids = [f"video{number}" for number in range(20)]
    mended = ensure_validation(dict.fromkeys(ids, "train"))
    [chosen] = [video_id for video_id, split in mended.items() if split == "val"]
    smallest = next(f for f in (n / 1000 for n in range(1000)) if split_of(chosen, f) == "val")
    assert all(split_of(other, smallest - 0.001) == "train" for other in ids)
