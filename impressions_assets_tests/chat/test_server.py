"""A channel behind HTTP: what clients get, and what happens to those who ask too much."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
import requests

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from impressions_assets.chat.answerer import Answerer, Message, Sampling
from impressions_assets.chat.desk import Desk
from impressions_assets.chat.guard import Guard
from impressions_assets.chat.passages import Source
from impressions_assets.chat.procedures import Answer, Asked, Asking
from impressions_assets.chat.scope import Scope
from impressions_assets.chat.server.app import make_app
from impressions_assets.chat.server.slots import Limits
from impressions_assets.errors import PromptTooLong
from impressions_assets_tests.servers.chat import Parrot, eventually, serving

SOURCE = Source("v1", "On [tokens]", "https://youtu.be/v1?t=75", 75.0, 90.0, "A token is.", 2.0)
ASKED = [{"role": "user", "content": "What is a token?"}]
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a desk on loopback until the test ends."""
    with ExitStack() as stack:

        def begin(model: Any, *, desk: dict[str, Any] | None = None, **how: Any) -> str:
            made = Desk("Talks", {"talks": model}, **(desk or {}))
            server: AbstractContextManager[str] = serving(make_app(made, **how))
            return stack.enter_context(server)

        yield begin


def chat(url: str, messages: Any = None, **more: Any) -> requests.Response:
    body = {"messages": messages or ASKED, **more}
    return requests.post(f"{url}/v1/chat/completions", json=body, timeout=30)


@contextmanager
def being_answered(url: str) -> Iterator[None]:
    """A client that reads an answer which does not end."""
    body = {"messages": ASKED, "stream": True}
    path = f"{url}/v1/chat/completions"
    with requests.post(path, json=body, stream=True, timeout=30) as answer:
        lines = answer.iter_lines()  # a client that drops it hangs up
        next(lines)
        yield


def figures(url: str) -> dict[str, float]:
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_an_openai_client_streams_a_chat_with_its_sources(serve: Serve) -> None:
    openai = pytest.importorskip("openai")
    url = serve(Parrot(), desk={"find": lambda words, most: [SOURCE][:most]})
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="-", max_retries=0)
    assert [model.id for model in client.models.list()] == ["talks"]
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model="talks", messages=ASKED, stream=True, max_tokens=5, stream_options=options
        )
    )
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert said == [*["token "] * 5, ""]
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-2].sources[0]["link"] == SOURCE.link
    assert chunks[-2].sources[0]["time"] == "1:15"
    assert chunks[-1].usage.completion_tokens == 5
    whole = client.chat.completions.create(model="talks", messages=ASKED, max_tokens=3)
    assert whole.choices[0].message.content == "token token token"
    completed = client.completions.create(model="talks", prompt="Once", max_tokens=2)
    assert completed.choices[0].text == "token token"
    with pytest.raises(openai.NotFoundError, match="there is talks"):
        client.chat.completions.create(model="gpt-4", messages=ASKED)


def test_usage_counts_the_tokens_that_were_made_and_not_those_of_the_text(serve: Serve) -> None:
    url = serve(Parrot(word="of two "))
    whole = chat(url, max_tokens=5).json()
    assert whole["usage"]["completion_tokens"] == 5
    assert whole["choices"][0]["finish_reason"] == "length"
    lines = chat(url, max_tokens=3, stream=True, stream_options={"include_usage": True}).text
    assert '"completion_tokens": 3' in lines


def streamed(answer: requests.Response) -> str:
    """What a stream says, all pieces together."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    chunks = [json.loads(line) for line in lines if line != "[DONE]"]
    return "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


def test_links_to_the_sources_stand_below_the_answer_when_asked_for(serve: Serve) -> None:
    url = serve(Parrot(), desk={"find": lambda _words, _most: [SOURCE]})
    told = f"token\n\nsources\n- {SOURCE.title} {SOURCE.link}"
    asked = {"max_tokens": 1, "source_links": True}
    assert chat(url, **asked).json()["choices"][0]["message"]["content"] == told
    assert streamed(chat(url, **asked, stream=True)) == told.replace("token", "token ", 1)


class Shouting(Asking):
    """Reads, asks and writes as nobody else does."""

    def read(self, text: str) -> str:
        return super().read(text.removeprefix("please"))

    def prompt(self, asked: Asked) -> list[Message]:
        return [*asked.earlier, Message("user", asked.question.upper())]

    def write(self, answer: Answer) -> str:
        return f"{answer.answer.strip().upper()}!"


def test_a_procedure_reads_asks_and_writes_here_too(serve: Serve) -> None:
    model = Parrot()
    url = serve(model, desk={"procedure": Shouting()})
    talk = [
        *ASKED,
        {"role": "assistant", "content": "It."},
        {"role": "user", "content": "please w"},
    ]
    said = chat(url, talk, max_tokens=2).json()["choices"][0]["message"]["content"]
    assert said == "TOKEN TOKEN!"
    assert streamed(chat(url, talk, max_tokens=1, stream=True)) == "token \n\nTOKEN!"
    assert [turn.content for turn in model.asked[0]] == ["What is a token?", "It.", "W"]
    assert (
        "is empty" in chat(url, [{"role": "user", "content": "please "}]).json()["error"]["message"]
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_question_outside_the_subject_gets_the_friendly_answer(
    serve: Serve, stream: bool
) -> None:
    model = Parrot()
    guard = Guard(Scope(), [r"\btokens?\b"], "Ask me about tokens.")
    url = serve(model, desk={"guard": guard, "find": lambda _w, _m: [SOURCE]})
    said = chat(url, [{"role": "user", "content": "Who are you?"}], stream=stream).text
    assert "Ask me about tokens." in said
    assert '"in_scope":false' in said.replace(" ", "")
    assert SOURCE.link not in said
    assert model.asked == []
    assert '"in_scope":true' in chat(url, max_tokens=1).text.replace(" ", "")


def test_what_only_follows_on_is_judged_with_the_question_before(serve: Serve) -> None:
    url = serve(Parrot(), desk={"guard": Guard(Scope(), [r"\btokens?\b"])})
    talk = [*ASKED, {"role": "assistant", "content": "A piece."}, {"role": "user", "content": "?"}]
    assert chat(url, talk, max_tokens=1).json()["scope"]["in_scope"]
    assert not chat(url, talk[-1:], max_tokens=1).json()["scope"]["in_scope"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"messages": [', 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b"[]", 400, "must be a JSON object"),
        (b"{}", 400, "messages: Field required"),
        (b'{"messages": []}', 400, "messages: "),
        (b'{"messages": [{"role": "tool", "content": "x"}]}', 400, "messages.0.role"),
        (b'{"messages": [{"role": "assistant", "content": "x"}]}', 400, "must be the user's"),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 2}', 400, "n: "),
        (b'{"messages": [{"role": "user", "content": "x"}], "tools": [1]}', 400, "tools is not"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": 9}', 400, "temperature"),
        (b"[" * 100_000, 400, "no JSON"),
        (json.dumps({"messages": [{"role": "user", "content": "a" * 21_000}]}).encode(), 400,
         "21,000 characters, and 20,000 is the most"),
        (json.dumps({"messages": [{"role": "user", "content": "a" * 1_000_000}]}).encode(), 413,
         "longer than 130,000 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_openais_shape(
    serve: Serve, body: bytes, status: int, told: str
) -> None:
    headers = {"Content-Type": "application/json"}
    url = serve(Parrot())
    answer = requests.post(f"{url}/v1/chat/completions", body, headers=headers, timeout=30)
    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_body_without_length_is_read_no_further_than_the_limit(serve: Serve) -> None:
    endless = (b"a" * 10_000 for _ in range(1_000))
    headers = {"Content-Type": "application/json"}
    url = serve(Parrot())
    try:
        answer = requests.post(f"{url}/v1/chat/completions", endless, headers=headers, timeout=30)
        assert answer.status_code == 413
    except requests.ConnectionError:
        pass  # it hung up before all was sent
    assert figures(url)['impressions_requests_total{path="/v1/chat/completions",status="413"}'] == 1


def test_other_paths_and_kinds_are_refused_in_the_same_shape(serve: Serve) -> None:
    url = serve(Parrot())
    assert "error" in requests.get(f"{url}/v1/embeddings", timeout=10).json()
    assert requests.get(f"{url}/v1/chat/completions", timeout=10).status_code == 405
    plain = {"Content-Type": "text/plain"}  # what a page elsewhere may send without being asked
    answer = requests.post(f"{url}/v1/chat/completions", b"{}", headers=plain, timeout=10)
    assert answer.status_code == 415


def test_a_key_opens_everything_but_health_and_the_page(serve: Serve) -> None:
    url = serve(Parrot(), keys=("first", "sécond"))
    assert requests.get(f"{url}/health", timeout=10).json()["status"] == "ok"
    assert requests.get(url, timeout=10).status_code == 200
    for path in ("/metrics", "/v1/models"):
        assert requests.get(url + path, timeout=10).status_code == 401
    assert chat(url).json()["error"]["code"] == "invalid_api_key"
    for key in (b"Bearer first", "Bearer sécond".encode()):
        told = requests.get(f"{url}/v1/models", headers={"Authorization": key}, timeout=10)
        assert told.status_code == 200


def test_only_names_that_are_its_own_reach_it(serve: Serve) -> None:
    url = serve(Parrot(), hosts=("127.0.0.1", "chat.example.org"))
    for host, status in (("chat.example.org", 200), ("evil.example", 400)):
        assert requests.get(f"{url}/", headers={"Host": host}, timeout=10).status_code == status


def test_one_too_many_is_told_when_to_return(serve: Serve) -> None:
    url = serve(Parrot(0.02), limits=Limits(at_once=1, waiting=0, answer_tokens=10_000))
    with being_answered(url):
        refused = chat(url)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
    eventually(lambda: chat(url, max_tokens=1).status_code == 200)


def test_who_waits_too_long_is_told_so(serve: Serve) -> None:
    limits = Limits(at_once=1, waiting=5, wait_seconds=0.1, answer_tokens=10_000)
    url = serve(Parrot(0.02), limits=limits)
    with being_answered(url):
        assert chat(url).status_code == 429


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_stops_the_model_and_frees_its_slot(
    serve: Serve, stream: bool
) -> None:
    model = Parrot(0.01)
    url = serve(model, limits=Limits(at_once=1, waiting=0, answer_tokens=100_000))
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps({"messages": ASKED, "stream": stream}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body)
        eventually(lambda: model.num_said > 3)
        assert chat(url).status_code == 429
    eventually(lambda: requests.get(f"{url}/health", timeout=10).json()["answering"] == 0)
    eventually(lambda: figures(url).get('impressions_answers_total{end="gone"}') == 1)
    said = model.num_said
    assert chat(url, max_tokens=1).status_code == 200
    assert model.num_said == said + 1


def test_an_answer_that_takes_too_long_ends(serve: Serve) -> None:
    url = serve(Parrot(0.02), limits=Limits(answer_seconds=0.2, answer_tokens=100_000))
    choice = chat(url).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert 1 <= len(choice["message"]["content"].split()) <= 11


def test_an_answer_that_the_server_cuts_says_so_and_one_that_ended_does_not(serve: Serve) -> None:
    cut = chat(serve(Parrot(), limits=Limits(answer_tokens=4))).json()["choices"][0]
    assert (cut["finish_reason"], cut["message"]["content"]) == (
        "length",
        "token token token token",
    )
    assert chat(serve(Brief()), max_tokens=1).json()["choices"][0]["finish_reason"] == "stop"


class Brief(Parrot):
    """Says all it has to say in as many tokens as it may."""

    def _said(self, settings: Sampling) -> Iterator[str]:
        assert settings.tally is not None
        settings.tally.num_tokens += 1
        yield "token"


class Loud(Asking):
    """Hands out what is no generator, as an iterator may be."""

    def infer(
        self, answerer: Answerer, messages: Sequence[Message], settings: Sampling
    ) -> Iterator[str]:
        return map(str.upper, super().infer(answerer, messages, settings))


def test_a_procedure_may_return_any_iterator(serve: Serve) -> None:
    url = serve(Parrot(), desk={"procedure": Loud()}, limits=Limits(at_once=1, waiting=0))
    for _ in range(3):
        said = chat(url, max_tokens=1)
        assert said.json()["choices"][0]["message"]["content"] == "TOKEN"


def test_a_server_where_nobody_waits_still_answers(serve: Serve) -> None:
    url = serve(Parrot(), limits=Limits(wait_seconds=0))
    assert chat(url, max_tokens=1).status_code == 200


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"stop": 5}, "stop"),
        ({"stop": ["a", 5]}, "stop.1"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"presence_penalty": -1}, "presence_penalty"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
    ],
)
def test_what_is_no_option_here_is_refused_by_name(
    serve: Serve, more: dict[str, Any], param: str
) -> None:
    refused = chat(serve(Parrot()), **more)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_clients_send_penalties_of_nothing(serve: Serve) -> None:
    none = {"frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}}
    assert chat(serve(Parrot()), max_tokens=1, **none).status_code == 200


class Small(Parrot):
    """A model whose context ends in the middle of a procedure."""

    def _said(self, most: int) -> Iterator[str]:
        yield ""
        raise PromptTooLong("the prompt has 9 tokens")


def test_a_context_that_ends_in_the_middle_is_told_with_the_reason(serve: Serve) -> None:
    url = serve(Small(), limits=Limits(at_once=1, waiting=0))
    refused = chat(url)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded"
    assert "could not be finished (the prompt has 9 tokens)" in chat(url, stream=True).text


class Full(Parrot):
    """A model whose context holds no question."""

    def stream(self, messages: Sequence[Message], settings: Sampling) -> Iterator[str]:
        raise PromptTooLong("the prompt has 9 tokens")


def test_a_question_that_no_context_holds_takes_no_slot(serve: Serve) -> None:
    url = serve(Full(), limits=Limits(at_once=1, waiting=0))
    assert [chat(url).status_code for _ in range(3)] == [400, 400, 400]
    assert requests.get(f"{url}/health", timeout=10).json()["answering"] == 0


class Broken(Parrot):
    """A model that fails in the middle of an answer."""

    def _said(self, most: int) -> Iterator[str]:
        yield "well "
        raise RuntimeError("out of memory")


def test_a_model_that_fails_is_told_of_and_frees_its_slot(serve: Serve) -> None:
    url = serve(Broken(), limits=Limits(at_once=1, waiting=0))
    assert "could not be finished" in chat(url, stream=True).text
    assert chat(url).status_code == 500
    assert requests.get(f"{url}/health", timeout=10).json()["answering"] == 0


def test_what_is_counted_can_be_read(serve: Serve) -> None:
    url = serve(Parrot())
    chat(url, max_tokens=4)
    found = figures(url)
    assert found['impressions_requests_total{path="/v1/chat/completions",status="200"}'] == 1
    assert found["impressions_answer_pieces_total"] == 4
    assert found["impressions_answer_seconds_count"] == 1
    assert found["impressions_slots_taken"] == 0
