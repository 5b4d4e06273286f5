"""The server as an ASGI application: paths, and what each does."""

import base64
import hashlib
import html
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from impressions_assets.chat.answerer import Answerer, Sampling
from impressions_assets.chat.answerer import Message as Turn
from impressions_assets.chat.desk import Desk, Plan
from impressions_assets.chat.server import wire
from impressions_assets.chat.server.door import body_of, check_key
from impressions_assets.chat.server.metrics import Metrics
from impressions_assets.chat.server.refusals import Refusal
from impressions_assets.chat.server.replies import Reply
from impressions_assets.chat.server.slots import Busy, Limits, Slots
from impressions_assets.chat.server.speaking import Speech, SpeechResponse
from impressions_assets.errors import ConfigError, PromptTooLong

_BYTES_A_CHAR = 6  # at most, as JSON escapes them
_ROOM = 10_000  # bytes for all but the texts
_PATHS = ("/", "/health", "/metrics", "/v1/models", "/v1/chat/completions", "/v1/completions")

Begin = Callable[[], Iterator[str]]


def make_app(
    desk: Desk,
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    keys: Sequence[str] = (),
    hosts: Sequence[str] = ("*",),
) -> FastAPI:
    """Make the application; with keys, all but the page and /health asks for one.

    Args:
        desk: what answers.
        limits: what requests may take.
        keys: each opens the API; none leaves it open.
        hosts: names by which it may be called, against pages that point a name of theirs here.
    """
    return _Server(desk, limits, keys).app(hosts)


class _Server:
    def __init__(self, desk: Desk, limits: Limits, keys: Sequence[str]) -> None:
        self._desk, self._limits, self._keys = desk, limits, tuple(keys)
        self._slots = Slots(limits)
        self._metrics = Metrics(self._slots)

    def app(self, hosts: Sequence[str]) -> FastAPI:
        app = FastAPI(title=self._desk.title, docs_url=None, redoc_url=None)
        app.add_api_route("/", self._page, include_in_schema=False)
        app.add_api_route("/health", self._health)
        app.add_api_route("/metrics", self._told_metrics, response_class=Response)
        app.add_api_route("/v1/models", self._models)
        app.add_api_route("/v1/models/{name:path}", self._model)
        for path, kind, asks in (
            ("/v1/chat/completions", wire.ChatRequest, self._chat),
            ("/v1/completions", wire.CompletionRequest, self._complete),
        ):
            body = {"content": {"application/json": {"schema": kind.model_json_schema()}}}
            app.add_api_route(
                path, asks, methods=["POST"], response_model=None,
                openapi_extra={"requestBody": {**body, "required": True}},
            )  # fmt: skip
        app.add_exception_handler(Refusal, _refused)
        app.add_exception_handler(HTTPException, _not_found)
        app.add_exception_handler(Exception, _broken)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
        app.add_middleware(_Counted, metrics=self._metrics)
        return app

    async def _page(self) -> Response:
        return _page_of(self._desk.title)

    async def _health(self) -> dict[str, Any]:
        slots = self._slots
        return {"status": "ok", "answering": slots.taken, "waiting": slots.waiting}

    async def _told_metrics(self, request: Request) -> Response:
        check_key(request, self._keys)
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _models(self, request: Request) -> dict[str, Any]:
        check_key(request, self._keys)
        return {"object": "list", "data": [_model_json(name) for name in self._desk.models]}

    async def _model(self, request: Request, name: str) -> dict[str, Any]:
        check_key(request, self._keys)
        self._chosen(name)
        return _model_json(name)

    async def _chat(self, request: Request) -> Response:
        asked = await self._read(request, wire.ChatRequest)
        model = self._chosen(asked.model)
        *earlier, last = [turn.message() for turn in asked.messages]
        prompt = "\n".join(turn.content for turn in (*earlier, last))
        plan = await self._planned(prompt, last.content, earlier)
        how = asked.sampling(self._limits.answer_tokens, secrets.randbits(31))
        return await self._answered(
            request, asked, plan, prompt, how, lambda: self._desk.answer(model, plan, how)
        )

    async def _complete(self, request: Request) -> Response:
        asked = await self._read(request, wire.CompletionRequest)
        model = self._chosen(asked.model)
        plan = await self._planned(asked.prompt, asked.prompt, [])
        how = asked.sampling(self._limits.answer_tokens, secrets.randbits(31))
        return await self._answered(
            request, asked, plan, asked.prompt, how, lambda: model.complete(asked.prompt, how)
        )

    async def _planned(self, prompt: str, text: str, earlier: Sequence[Turn]) -> Plan:
        self._check_length(len(prompt))
        with _refusing():
            return await run_in_threadpool(self._desk.plan, text, earlier)

    async def _read(self, request: Request, kind: type[wire.R]) -> wire.R:
        check_key(request, self._keys)
        most = self._limits.prompt_chars * _BYTES_A_CHAR + _ROOM
        return wire.parsed(kind, await body_of(request, most))

    def _chosen(self, name: str) -> Answerer:
        found = self._desk.models.get(name or self._desk.default)
        if found is None:
            there = ", ".join(self._desk.models)
            raise Refusal(
                404, f"there is no model {name!r}; there is {there}", code="model_not_found"
            )
        return found

    def _check_length(self, num_chars: int) -> None:
        if num_chars > (most := self._limits.prompt_chars):
            raise Refusal(
                400,
                f"the messages have {num_chars:,} characters, and {most:,} is the most",
                code="context_length_exceeded",
                param="messages",
            )

    async def _answered(
        self,
        request: Request,
        asked: wire.Request,
        plan: Plan,
        prompt: str,
        how: Sampling,
        begin: Begin,
    ) -> Response:
        """Decline, or take a slot and let the model speak."""
        name = asked.model or self._desk.default
        reply = Reply(name, self._desk, asked, plan, prompt, how)
        if plan.refusal:
            self._metrics.answers.labels("out of scope").inc()
            return reply.declined()
        speech = await self._begun(request, begin)
        if asked.stream:
            return SpeechResponse(reply.events(speech), speech.close)
        try:
            with _refusing():
                await speech.whole()
        finally:
            speech.close()
        return reply.whole(speech)

    async def _begun(self, request: Request, begin: Begin) -> Speech:
        try:
            await self._slots.take()
        except Busy as busy:
            headers = {"Retry-After": str(busy.retry_seconds)}
            raise Refusal(429, str(busy), code="rate_limit_exceeded", headers=headers) from busy
        pieces: Iterator[str] | None = None
        try:
            with _refusing():
                pieces = await run_in_threadpool(begin)
        finally:
            if pieces is None:
                self._slots.give(0.0)
        seconds = self._limits.answer_seconds
        return Speech(pieces, self._slots, seconds, request.is_disconnected, self._count)

    def _count(self, speech: Speech, seconds: float) -> None:
        self._metrics.answers.labels(speech.end).inc()
        self._metrics.pieces.inc(speech.num_pieces)
        self._metrics.seconds.observe(seconds)


@contextmanager
def _refusing() -> Iterator[None]:
    """What a client asked for and cannot have is its error, not the server's."""
    try:
        yield
    except PromptTooLong as error:
        code = "context_length_exceeded"
        raise Refusal(400, str(error), code=code, param="messages") from error
    except ConfigError as error:
        raise Refusal(400, str(error)) from error


class _Counted:
    """Counts requests by path and status; what is no path of ours counts as one."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._requests = app, metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = scope["path"] if scope["path"] in _PATHS else "other"
                self._requests.labels(path, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = f"{request.method} {request.url.path}: {error.detail}"
    return Refusal(error.status_code, said, headers=dict(error.headers or {})).response()


async def _broken(_: Request, error: Exception) -> Response:
    kind = type(error).__name__
    return Refusal(500, f"the server failed ({kind}); its log says more").response()


def _model_json(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "impressions"}


def _page_of(title: str) -> Response:
    """The page, which may run its own script, talk to this server, and do nothing else."""
    page = files(__package__).joinpath("page.html").read_text("utf-8")
    script = page.partition("<script>")[2].partition("</script>")[0]
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{allowed}'; style-src 'unsafe-inline';"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(page.replace("{{title}}", html.escape(title)), headers=headers)
