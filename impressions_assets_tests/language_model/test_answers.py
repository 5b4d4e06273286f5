"""What a language model's server may do, and that nothing is asked of it twice."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from impressions_assets.errors import (
    AnswerUnfit,
    QuotaSpent,
    RequestUnfit,
    SourcePaused,
    SourceRefused,
    SourceUnreachable,
)
from impressions_assets.language_model.answers import Answers
from impressions_assets.language_model.endpoint import Endpoint
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED
from impressions_assets.text.prompts import SCHEMA, messages_of
from impressions_assets_tests.servers.language_model import Fault, LanguageModel

ASKED = messages_of("Do it.", {"title": "A talk"}, {"a": "one"}, {})


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with LanguageModel().running() as server:
        yield server


class Waits(list[float]):
    """Notes how long it was to be waited, and waits not."""

    def endpoint(self, url: str, key: str = "", timeout_seconds: float = 5.0) -> Endpoint:
        return Endpoint(url, key, timeout_seconds, sleep=self.append)


def asked(home: Home, endpoint: Endpoint, name: str = "m", **options: object) -> str:
    answers = Answers(home, endpoint, name, {}, budget=Budget(home, "m", None), **options)
    try:
        return answers.ask("v", "titles/0", ASKED, SCHEMA)
    finally:
        answers.close()


def test_a_request_says_model_messages_schema_and_parameters_and_brings_the_key(
    home: Home, model: LanguageModel
) -> None:
    answers = Answers(
        home,
        Endpoint(model.url, "a-key"),
        "big",
        {"temperature": 0},
        budget=Budget(home, "m", None),
    )
    assert json.loads(answers.ask("v", "k", ASKED, SCHEMA)) == {
        "texts": [{"id": "a", "text": "About a"}]
    }
    (body,) = model.bodies
    assert (body["model"], body["temperature"], body["messages"]) == ("big", 0, ASKED)
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert model.keys == ["Bearer a-key"]


def test_a_server_without_schemas_and_without_a_key_is_asked_without(
    home: Home, model: LanguageModel
) -> None:
    asked(home, Endpoint(model.url), json_schema=False)
    assert "response_format" not in model.bodies[0]
    assert model.keys == [None]


def test_the_same_request_is_made_once_also_when_the_server_moved(
    home: Home, model: LanguageModel
) -> None:
    first = asked(home, Endpoint(model.url))
    assert asked(home, Endpoint("http://127.0.0.1:9/elsewhere")) == first
    assert len(model.bodies) == 1


def test_another_model_or_prompt_is_asked_anew(home: Home, model: LanguageModel) -> None:
    asked(home, Endpoint(model.url))
    asked(home, Endpoint(model.url), "another")
    answers = Answers(home, Endpoint(model.url), "m", {}, budget=Budget(home, "m", None))
    answers.ask("v", "titles/0", messages_of("Do it well.", {}, {"a": "one"}, {}), SCHEMA)
    answers.close()
    assert len(model.bodies) == 3
    assert home.table("captures").count(SHARED) == 2  # one a model, the last prompt's


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_passes_is_tried_again(home: Home, model: LanguageModel, status: int) -> None:
    model.faults += [Fault(status)] * 2
    waits = Waits()
    assert "About a" in asked(home, waits.endpoint(model.url))
    assert len(model.bodies) == 3
    assert waits[0] < waits[1] <= 2


def test_a_server_that_stays_broken_may_work_later(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(500)] * 9
    with pytest.raises(SourceUnreachable, match="status 500") as raised:
        asked(home, Waits().endpoint(model.url))
    assert raised.value.retry
    assert len(model.bodies) == 4


def test_who_is_too_slow_may_be_faster_later(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(hangs=True)] * 4
    with pytest.raises(SourceUnreachable, match="timeout_seconds"):
        asked(home, Waits().endpoint(model.url, timeout_seconds=0.05))


def test_an_answer_that_trickles_for_ever_is_none(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(trickles=True)] * 4
    with pytest.raises(SourceUnreachable, match="timeout_seconds"):
        asked(home, Waits().endpoint(model.url, timeout_seconds=0.2))
    assert len(model.bodies) == 4


def test_half_an_answer_is_none(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(200, b'{"choices": [', headers={"Content-Length": "999"})] * 4
    with pytest.raises(SourceUnreachable):
        asked(home, Waits().endpoint(model.url, timeout_seconds=0.5))


def test_a_stream_that_nobody_asked_for_is_no_answer(home: Home, model: LanguageModel) -> None:
    model.faults += [
        Fault(200, b'data: {"choices": [{"delta": {"content": "A"}}]}\n\ndata: [DONE]\n')
    ]
    with pytest.raises(SourceUnreachable, match="chat completion"):
        asked(home, Waits().endpoint(model.url))


def test_no_server_is_left_alone_for_longer_than_a_day(home: Home, model: LanguageModel) -> None:
    model.faults += [Fault(429, headers={"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"})]
    with pytest.raises(QuotaSpent) as raised:
        asked(home, Waits().endpoint(model.url))
    assert raised.value.until < datetime.now(UTC) + timedelta(days=1, minutes=1)


def test_too_many_requests_wait_as_long_as_the_server_says(
    home: Home, model: LanguageModel
) -> None:
    model.faults += [Fault(429, headers={"Retry-After": "7"})]
    waits = Waits()
    assert "About a" in asked(home, waits.endpoint(model.url))
    assert 5 < waits[0] <= 7


@pytest.mark.parametrize("status", [402, 429])
def test_a_spent_quota_leaves_the_server_alone_until_it_says(
    home: Home, model: LanguageModel, status: int
) -> None:
    until = datetime.now(UTC) + timedelta(hours=3)
    model.faults += [Fault(status, headers={"Retry-After": format_datetime(until, usegmt=True)})]
    with pytest.raises(QuotaSpent) as raised:
        asked(home, Waits().endpoint(model.url))
    assert abs(raised.value.until - until) < timedelta(seconds=2)
    assert len(model.bodies) == 1


def test_where_nobody_answers_all_wait(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(SourcePaused, match="nobody answers there"):
            asked(home, Waits().endpoint(url))


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_wrong_key_or_address_is_refused_without_showing_the_key(
    home: Home, model: LanguageModel, status: int
) -> None:
    model.faults += [Fault(status, b"wrong key sk-secret!")]
    with pytest.raises(SourceRefused, match="IMPRESSIONS_LLM_API_KEY") as raised:
        asked(home, Waits().endpoint(model.url, "sk-secret"))
    assert "sk-secret" not in str(raised.value)
    assert "sk-secret" not in repr(Waits().endpoint(model.url, "sk-secret"))


def test_a_request_that_the_server_will_not_answer_is_no_trouble_of_the_others(
    home: Home, model: LanguageModel
) -> None:
    model.faults += [Fault(400, b"context too long")]
    with pytest.raises(RequestUnfit, match="context too long"):
        asked(home, Waits().endpoint(model.url))


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"choices": []}', b"\xff"])
def test_what_is_no_completion_is_not_kept(home: Home, model: LanguageModel, body: bytes) -> None:
    model.faults += [Fault(200, body)]
    with pytest.raises(SourceUnreachable, match="chat completion"):
        asked(home, Waits().endpoint(model.url))
    assert "About a" in asked(home, Waits().endpoint(model.url))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(message={"role": "assistant", "content": None, "refusal": "I will not"}),
        Fault(says='{"texts": [', finish_reason="length"),
    ],
)
def test_an_answer_that_is_none_is_kept_all_the_same(
    home: Home, model: LanguageModel, fault: Fault
) -> None:
    model.faults += [fault]
    for _ in range(2):
        with pytest.raises(AnswerUnfit):
            asked(home, Waits().endpoint(model.url))
    assert len(model.bodies) == 1


def test_no_more_is_asked_in_a_day_than_is_allowed_and_kept_answers_cost_nothing(
    home: Home, model: LanguageModel
) -> None:
    allowed = Budget(home, "a language model", 2, setting="language_model.daily_requests")
    answers = Answers(home, Endpoint(model.url), "m", {}, budget=allowed)
    for kind in ("titles/0", "titles/1"):
        answers.ask("v", kind, ASKED, SCHEMA)
    with pytest.raises(QuotaSpent, match="`language_model.daily_requests` in channels.yaml allows"):
        answers.ask("v", "titles/2", ASKED, SCHEMA)
    answers.close()
    assert answers.ask("v", "titles/0", ASKED, SCHEMA)
    assert len(model.bodies) == 2
