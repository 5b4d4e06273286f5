"""Fifty clients at once, for some seconds."""

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("transformers")

from impressions_assets_tests.bench.chat_load import loaded


@pytest.mark.slow
def test_fifty_clients_get_an_answer_or_are_told_when_to_return() -> None:
    load = loaded(50, 15)
    assert load.problems == []
    assert set(load.statuses) == {200, 429}
    assert load.mb_after < load.mb_before * 1.1
