"""What clients send, and what they get: the shapes of OpenAI's API, and two fields of our own.

https://platform.openai.com/docs/api-reference/chat: what is not supported is refused by name, since
an option that is taken silently would promise what does not happen.
"""

import time
import uuid
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

from impressions_assets.chat.answerer import Message, Sampling, Tally
from impressions_assets.chat.passages import Source
from impressions_assets.chat.server.refusals import Refusal
from impressions_assets.text.times import clock

_UNSUPPORTED = (
    *("tools", "functions", "logprobs", "response_format", "audio", "echo", "suffix"),
    *("frequency_penalty", "presence_penalty", "logit_bias"),
)


def _as_tuple(value: Any) -> Any:
    return () if value is None else (value,) if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Content may come as a list of parts."""
    if isinstance(value, list) and all(isinstance(p, dict) and "text" in p for p in value):
        return "\n".join(str(part["text"]) for part in value)
    return value


class Turn(BaseModel):
    """A message of a client."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_as_text)]

    def message(self) -> Message:
        """As an answerer takes it."""
        return Message("system" if self.role == "developer" else self.role, self.content)


class StreamOptions(BaseModel):
    """What else a stream holds."""

    include_usage: bool = False


class Request(BaseModel):
    """What a chat and a completion have in common."""

    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stop: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(max_length=4)] = ()
    n: Literal[1] | None = None
    source_links: bool | None = None  # ours: whether the answer ends with links to its sources

    @property
    def wants_usage(self) -> bool:
        """Whether the end of a stream says how many tokens there were."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def most_tokens(self) -> int | None:
        """How long the answer may be, if the client says so."""
        return self.max_tokens

    def sampling(self, most: int, seed: int) -> Sampling:
        """How the answer is chosen; `most` is the server's limit."""
        top_p = None if self.top_p in (None, 1) else self.top_p
        return Sampling(
            max_tokens=min(most, self.most_tokens() or most),
            temperature=0.0 if self.temperature is None else self.temperature,
            top_p=top_p if self.temperature else None,
            seed=seed if self.seed is None else self.seed,
            stop=tuple(filter(None, self.stop)),
            tally=Tally(),
        )


class ChatRequest(Request):
    """A conversation that wants an answer."""

    messages: list[Turn] = Field(min_length=1, max_length=200)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, turns: list[Turn]) -> list[Turn]:
        if turns[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return turns

    def most_tokens(self) -> int | None:
        """How long the answer may be, under its newer name too."""
        return self.max_completion_tokens or self.max_tokens


class CompletionRequest(Request):
    """A text that is to go on."""

    prompt: str


R = TypeVar("R", bound=Request)


def parsed(kind: type[R], body: bytes) -> R:
    """Read a request; `Refusal` names the first field that is wrong."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON: {error}", code="invalid_json") from error
    if not isinstance(raw, dict):
        raise Refusal(400, "the body must be a JSON object", code="invalid_json")
    for name in _UNSUPPORTED:
        if raw.get(name):
            raise Refusal(400, f"{name} is not supported here", param=name)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = ".".join(map(str, first["loc"]))
        raise Refusal(400, f"{param}: {first['msg']}", param=param) from error


class Envelope:
    """The answers to one request, whole or in chunks."""

    def __init__(self, model: str, *, chat: bool) -> None:
        """Give it an id and a time."""
        self._model, self._chat, self._created = model, chat, int(time.time())
        self.id = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"

    def whole(self, text: str, finish: str, **more: Any) -> dict[str, Any]:
        """The answer in one piece."""
        message = {"role": "assistant", "content": text, "refusal": None}
        said = {"message": message} if self._chat else {"text": text}
        return self._with("chat.completion", [_choice(said, finish)], more)

    def chunk(self, text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
        """A piece of the answer."""
        delta = {"delta": {"role": "assistant", "content": text}}
        said = delta if self._chat else {"text": text}
        return self._with("chat.completion.chunk", [_choice(said, finish)], more)

    def usage(self, usage: dict[str, int]) -> dict[str, Any]:
        """The chunk that counts, after the others."""
        return self._with("chat.completion.chunk", [], {"usage": usage})

    def _with(self, kind: str, choices: list[Any], more: dict[str, Any]) -> dict[str, Any]:
        head = {
            "id": self.id,
            "object": kind if self._chat else "text_completion",
            "created": self._created,
            "model": self._model,
        }
        return {**head, "choices": choices, **more}


def _choice(said: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


def source_json(source: Source) -> dict[str, Any]:
    """A source as clients get it."""
    start = source.start_seconds
    time_of_it = "" if start is None else clock(start)
    return {**msgspec.to_builtins(source), "time": time_of_it}
