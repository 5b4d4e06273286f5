"""What a request gets back: whole, or as events of a stream, with its sources."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response

from impressions_assets.chat.answerer import Answerer
from impressions_assets.chat.server.desk import Plan
from impressions_assets.chat.server.refusals import Refusal
from impressions_assets.chat.server.speaking import Speech, SpeechResponse
from impressions_assets.chat.server.wire import (
    ChatRequest,
    Envelope,
    Request,
    links_of,
    source_json,
)
from impressions_assets.errors import ImpressionsError


class Reply:
    """The reply to one request."""

    def __init__(self, name: str, model: Answerer, asked: Request, plan: Plan, prompt: str) -> None:
        """Take what was asked of which model, and what was planned."""
        self._envelope = Envelope(name, chat=isinstance(asked, ChatRequest))
        self._model, self._asked, self._plan, self._prompt = model, asked, plan, prompt

    def declined(self) -> Response:
        """What is said to a question that does not belong."""
        said = self._plan.refusal
        if not self._asked.stream:
            return JSONResponse(self._envelope.whole(said, "stop", **self._more(said)))
        return SpeechResponse(self._declined(said), lambda: None)

    def whole(self, speech: Speech) -> Response:
        """An answer that is complete."""
        said = speech.text + self._links()
        more = self._more(speech.text)
        return JSONResponse(self._envelope.whole(said, self._finish(speech), **more))

    async def events(self, speech: Speech) -> AsyncIterator[str]:
        """An answer while it is made."""
        try:
            async for piece in speech:
                yield _event(self._envelope.chunk(piece))
        except (ImpressionsError, RuntimeError, OSError) as error:  # torch's are RuntimeErrors
            said = f"the answer could not be finished ({type(error).__name__})"
            yield _event(Refusal(500, said).body())
            return
        for event in self._last(self._links(), self._finish(speech), speech.text):
            yield event

    async def _declined(self, said: str) -> AsyncIterator[str]:
        yield _event(self._envelope.chunk(said))
        for event in self._last("", "stop", said):
            yield event

    def _last(self, rest: str, finish: str, text: str) -> list[str]:
        ours = self._ours()
        usage = [_event(self._envelope.usage(self._usage(text)))] if self._asked.wants_usage else []
        return [_event(self._envelope.chunk(rest, finish, **ours)), *usage, "data: [DONE]\n\n"]

    def _finish(self, speech: Speech) -> str:
        most = self._asked.most_tokens()
        is_cut = speech.end == "length" or (most and self._model.num_tokens(speech.text) >= most)
        return "length" if is_cut else "stop"

    def _links(self) -> str:
        return links_of(self._plan.sources) if self._asked.source_links else ""

    def _ours(self) -> dict[str, Any]:
        belongs = {"in_scope": not self._plan.refusal, "reason": self._plan.reason}
        return {"sources": [source_json(one) for one in self._plan.sources], "scope": belongs}

    def _more(self, text: str) -> dict[str, Any]:
        return {"usage": self._usage(text), **self._ours()}

    def _usage(self, text: str) -> dict[str, int]:
        asked, said = self._model.num_tokens(self._prompt), self._model.num_tokens(text)
        return {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        }


def _event(said: dict[str, Any]) -> str:
    return f"data: {json.dumps(said, ensure_ascii=False)}\n\n"
