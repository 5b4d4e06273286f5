"""What a request gets back: whole, or as events of a stream, with its sources."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response

from impressions_assets.chat.answerer import Sampling, Tally
from impressions_assets.chat.desk import Desk, Plan
from impressions_assets.chat.procedures import rest_of
from impressions_assets.chat.server.refusals import Refusal
from impressions_assets.chat.server.speaking import Speech, SpeechResponse
from impressions_assets.chat.server.wire import (
    ChatRequest,
    Envelope,
    Request,
    source_json,
)
from impressions_assets.errors import ImpressionsError


class Reply:
    """The reply to one request."""

    def __init__(
        self, name: str, desk: Desk, asked: Request, plan: Plan, prompt: str, how: Sampling
    ) -> None:
        """Take what was asked of which model, what was planned, and how it is answered."""
        self._envelope = Envelope(name, chat=isinstance(asked, ChatRequest))
        self._model, self._write = desk.models[name], desk.procedure.write
        self._asked, self._plan, self._prompt = asked, plan, prompt
        self._tally = how.tally or Tally()

    def declined(self) -> Response:
        """What is said to a question that does not belong."""
        said = self._plan.refusal
        if not self._asked.stream:
            return self._whole(said, "stop")
        return SpeechResponse(self._declined(said), lambda: None)

    def whole(self, speech: Speech) -> Response:
        """An answer that is complete."""
        return self._whole(speech.text, self._finish(speech))

    async def events(self, speech: Speech) -> AsyncIterator[str]:
        """An answer while it is made."""
        try:
            async for piece in speech:
                yield _event(self._envelope.chunk(piece))
        except (ImpressionsError, RuntimeError, OSError) as error:  # torch's are RuntimeErrors
            why = str(error) if isinstance(error, ImpressionsError) else type(error).__name__
            said = f"the answer could not be finished ({why})"
            yield _event(Refusal(500, said).body())
            return
        for event in self._last(speech.text, self._finish(speech)):
            yield event

    async def _declined(self, said: str) -> AsyncIterator[str]:
        yield _event(self._envelope.chunk(said))
        for event in self._last(said, "stop"):
            yield event

    def _whole(self, text: str, finish: str) -> Response:
        more = {"usage": self._usage(), **self._ours()}
        return JSONResponse(self._envelope.whole(self._written(text), finish, **more))

    def _last(self, text: str, finish: str) -> list[str]:
        rest = rest_of(text, self._written(text))
        last = _event(self._envelope.chunk(rest, finish, **self._ours()))
        usage = [_event(self._envelope.usage(self._usage()))] if self._asked.wants_usage else []
        return [last, *usage, "data: [DONE]\n\n"]

    def _finish(self, speech: Speech) -> str:
        return "length" if speech.end == "length" or self._tally.is_cut else "stop"

    def _written(self, text: str) -> str:
        return self._write(self._plan.answer(text, listed=bool(self._asked.source_links)))

    def _ours(self) -> dict[str, Any]:
        answer = self._plan.answer("")
        belongs = {"in_scope": answer.in_scope, "reason": answer.reason}
        return {"sources": [source_json(one) for one in answer.sources], "scope": belongs}

    def _usage(self) -> dict[str, int]:
        asked, said = self._model.num_tokens(self._prompt), self._tally.num_tokens
        return {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        }


def _event(said: dict[str, Any]) -> str:
    return f"data: {json.dumps(said, ensure_ascii=False)}\n\n"
