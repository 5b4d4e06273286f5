"""What language models said, kept raw: the same request is never made twice, by any channel.

A better reading of an answer asks nobody. One answer is kept per video, kind of question and model;
another request (another prompt, other words) takes its place.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from impressions_assets.errors import AnswerUnfit, SourceUnreachable
from impressions_assets.language_model.endpoint import Endpoint
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Capture


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class Answers:
    """A language model, seen through what it said before. Threads may share it."""

    def __init__(
        self,
        home: Home,
        endpoint: Endpoint,
        model: str,
        parameters: Mapping[str, Any],
        *,
        budget: Budget,
        json_schema: bool = True,
    ) -> None:
        """Ask nothing yet.

        Args:
            home: the storage root; its captures are read and written under a lock of ours.
            endpoint: where the model is asked.
            model: its name there. The address is left out of what tells one request from another:
                a model that moves is not asked again.
            parameters: what else each request says.
            budget: what may be asked in a day.
            json_schema: whether the server can be held to a schema.
        """
        self._raw, self._endpoint, self._model = Raw(home), endpoint, model
        self._parameters, self._json_schema = parameters, json_schema
        self._budget = budget
        self._lock = threading.Lock()
        self._new: list[Capture] = []

    def ask(
        self,
        video_id: str,
        kind: str,
        messages: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any],
    ) -> str:
        """Return what the model says, maybe long ago.

        Args:
            video_id: the video it is asked about.
            kind: what it is asked, and which part of it; one answer is kept of each.
            messages: the conversation, as OpenAI's chat completions take it.
            schema: JSON schema of the answer.

        Raises:
            AnswerUnfit: it declined, or was cut short; that is kept as well.
            QuotaSpent: no more may be asked today.
            What `Endpoint.post` raises.
        """
        body = self._body(messages, schema)
        revision, kind, engine = digest_of(body.decode()), f"answer/{kind}", f"llm/{self._model}"
        with self._lock:
            kept = self._raw.kept([video_id], kind, engine).get(video_id)
        if kept is not None and kept.revision == revision:
            return _content(_completion(kept.body))
        self._budget.spend()
        answer = self._endpoint.post(body)
        completion = _completion(answer)  # what is none is not kept
        capture = Capture(
            video_id=video_id,
            kind=kind,
            language="und",
            engine=engine,
            body=answer,
            revision=revision,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._lock:
            self._new.append(capture)
        return _content(completion)

    def keep(self) -> None:
        """Keep what is new, in one commit."""
        with self._lock:
            new, self._new = self._new, []
            self._raw.keep(new)

    def close(self) -> None:
        """Keep what is new, and tidy up."""
        self.keep()
        self._budget.close()
        self._raw.tidy()

    def _body(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> bytes:
        held = {"name": "answer", "strict": True, "schema": schema}
        form = {"type": "json_schema", "json_schema": held} if self._json_schema else None
        request = {
            **self._parameters,
            "model": self._model,
            "messages": messages,
            **({"response_format": form} if form else {}),
        }
        return msgspec.json.encode(request)


def _completion(answer: bytes) -> _Completion:
    try:
        found = msgspec.json.decode(answer, type=_Completion)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceUnreachable(
            f"the server answered with no chat completion ({error}): is `url` of `language_model` "
            "in channels.yaml that of a server that speaks as OpenAI's?"
        ) from None
    if not found.choices:
        raise SourceUnreachable("the server answered with an empty chat completion")
    return found


def _content(completion: _Completion) -> str:
    choice = completion.choices[0]
    if choice.message.refusal:
        raise AnswerUnfit("the language model declines to answer")
    if choice.finish_reason == "length":
        raise AnswerUnfit(
            "the language model's answer was cut short: its server allows too few tokens, or "
            "`window_words` of `language_model` in channels.yaml is too large"
        )
    return choice.message.content or ""
