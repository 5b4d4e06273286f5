"""The command `serve`: a channel's chat model behind an API and a page."""

import ipaddress
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from impressions_assets.cli.encoding import shown_encoding
from impressions_assets.cli.materialize import Name
from impressions_assets.cli.place import open_place
from impressions_assets.cli.terminal import note
from impressions_assets.errors import ConfigError

_LOCAL = ("localhost", "127.0.0.1", "[::1]")


def serve(
    name: Name,
    host: Annotated[str, typer.Option("--host", help="Whom it listens to.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Where it listens; 0: a free one.")
    ] = 8000,
    variant: Annotated[
        list[str] | None,
        typer.Option("--variant", help="Chat model; several may be served.", show_default=False),
    ] = None,
    passages: Annotated[
        int, typer.Option("--passages", min=0, max=20, help="Passages of the channel in a prompt.")
    ] = 0,
    procedure: Annotated[
        str, typer.Option("--procedure", help="How it is asked; packages add theirs.")
    ] = "plain",
    guard: Annotated[bool, typer.Option(help="Decline what is not the channel's subject.")] = True,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="API keys, one a line.", show_default=False),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="Name of it behind a reverse proxy.", show_default=False),
    ] = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, help="Answers made at the same time.")
    ] = 2,
    waiting: Annotated[
        int, typer.Option("--waiting", min=0, help="Requests that wait; others get 429.")
    ] = 8,
    wait_seconds: Annotated[
        float, typer.Option("--wait-seconds", min=0, help="How long they wait.")
    ] = 10,
    answer_seconds: Annotated[
        float, typer.Option("--answer-seconds", min=1, help="How long an answer may take.")
    ] = 120,
    answer_tokens: Annotated[
        int, typer.Option("--answer-tokens", min=1, help="How long an answer may be.")
    ] = 500,
    prompt_chars: Annotated[
        int, typer.Option("--prompt-chars", min=1, help="How long a conversation may be.")
    ] = 20_000,
) -> None:
    """Serve a channel's chat model: an API as OpenAI's, and a page to chat."""
    place = open_place()
    place.check_known(name)
    keys = _keys(key_file, place.settings.api_key)
    is_local = _is_loopback(host)
    if not (is_local or keys):
        note(f"{host} is no loopback address and no key is set: whoever reaches it may ask")
    try:
        import uvicorn

        from impressions_assets.chat.server.app import make_app
        from impressions_assets.chat.server.slots import Limits
    except ImportError as error:
        raise ConfigError(
            f"serving needs fastapi, uvicorn and prometheus-client, and one cannot be imported"
            f" ({error}): pip install 'impressions-assets[chat]'"
        ) from error
    from impressions_assets.answering.desk import open_desk

    with _taken(host, port) as address:  # before a model is loaded, which takes long
        with shown_encoding() as tell:
            desk = open_desk(
                place.home,
                place.channel(name),
                place.settings.scratch,
                variants=tuple(variant or ()),
                guarded=guard,
                procedure=procedure,
                most_passages=passages,
                tell=tell,
            )
        limits = Limits(at_once, waiting, wait_seconds, answer_seconds, answer_tokens, prompt_chars)
        hosts = (*_LOCAL, *(allow_host or ())) if is_local else tuple(allow_host or ("*",))
        app = make_app(desk, limits, keys, hosts)
        at = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        address.listen(config.backlog)
        note(f"{name} answers at http://{at}:{address.getsockname()[1]}; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([address])


def _taken(host: str, port: int) -> socket.socket:
    """An address of this machine, bound, where nobody is answered yet."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as on_failure:
            bound = on_failure.enter_context(socket.socket(family, kind))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            on_failure.pop_all()
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}, port {port}: {error}; choose another --port or --host"
        ) from error
    return bound


def _keys(file: Path | None, of_environment: str) -> tuple[str, ...]:
    """The keys of a file, else of the environment."""
    if file is None:
        return (of_environment,) if of_environment else ()
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the keys in {file} cannot be read: {error}") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise ConfigError(f"{file} holds no key: write one a line, or leave --key-file out")
    return keys


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
