"""The only reader of the environment: where this installation keeps things, how it reaches YouTube.

Everything else a user can choose is a flag, a launchpad's run config or a line of channels.yaml.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, quote_plus, unquote, urlsplit

from impressions_assets.errors import ConfigError
from impressions_assets.notices import Recipients
from impressions_assets.secret_files import secret

_PROXY = "IMPRESSIONS_YOUTUBE_PROXY"
_WEBSHARE = ("WEBSHARE_PROXY_USERNAME", "WEBSHARE_PROXY_PASSWORD")
_COOKIES = "IMPRESSIONS_YOUTUBE_COOKIES"
_LANGUAGE_MODEL_KEY = "IMPRESSIONS_LLM_API_KEY"
_API_KEY = "IMPRESSIONS_API_KEY"
_ASR_PYTHON = "ASR_PYTHON"
_HUGGING_FACE = "HF_TOKEN"
_YOUTUBE_URL = "IMPRESSIONS_YOUTUBE_URL"
_WEBHOOK = "IMPRESSIONS_ALERT_WEBHOOK"
_EMAIL = "IMPRESSIONS_ALERT_EMAIL"
_SMTP = "IMPRESSIONS_ALERT_SMTP"
_PODS = "IMPRESSIONS_PODS"
# Dagster's chart sets them where the code lives: the image, and what else its runs are given.
_IMAGE = "DAGSTER_CURRENT_IMAGE"
_CONTAINER = ("DAGSTER_CONTAINER_CONTEXT", "DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT")


@dataclass(frozen=True, repr=False)
class YouTubeAccess:
    """How this installation reaches YouTube; what it prints of itself holds no secret."""

    api_key: str = ""
    """Key of the YouTube Data API; '' without one."""
    proxy: str = ""
    """Address of a proxy, maybe with user and password; '' without one."""
    webshare_username: str = ""
    webshare_password: str = ""
    cookies_file: Path | None = None
    """Cookies of a login, as browsers and yt-dlp export them."""
    base_url: str = ""
    """Another server than YouTube, without a slash at its end; '' for YouTube itself."""

    @property
    def shown(self) -> dict[str, str | None]:
        """What may be shown: addresses without user and password, and what else is set."""
        proxy = urlsplit(self.proxy)
        return {
            "api_key": "set" if self.api_key else None,
            "proxy": f"{proxy.scheme}://{_host(proxy)}" if self.proxy else None,
            "webshare": "set" if self.webshare_username else None,
            "cookies_file": str(self.cookies_file) if self.cookies_file else None,
            "base_url": self.base_url or None,
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may hold, in every spelling that an address gives it, the longest first."""
        proxy = urlsplit(self.proxy)
        # Some proxies take a token as the user, and no password.
        of_proxy = proxy.password or proxy.username or ""
        plain = {self.api_key, self.webshare_password, of_proxy, unquote(of_proxy)} - {""}
        spelled = {way(word) for word in plain for way in (str, quote, _quote_all, quote_plus)}
        return tuple(sorted(spelled, key=lambda word: (-len(word), word)))

    def __repr__(self) -> str:
        """Show what may be shown."""
        told = ", ".join(f"{name}={value!r}" for name, value in self.shown.items())
        return f"YouTubeAccess({told})"


class Container(NamedTuple):
    """The image that holds this code, and what its containers are given, as Dagster has it."""

    image: str | None = None
    context: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Settings:
    """Where things lie, and how YouTube is reached."""

    home: Path
    """Folder of this machine's own things, absolute."""
    storage: str
    """Root of tables, files and channels.yaml: an absolute folder, or an address such as gs://.

    A bucket's libraries find Google's credentials by themselves: GOOGLE_APPLICATION_CREDENTIALS,
    the login of `gcloud auth application-default login`, or the account of the machine or pod.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where keys, or the names of their files, stand; they are read when needed, not before."""

    @cached_property
    def youtube(self) -> YouTubeAccess:
        """How YouTube is reached; `ConfigError` when a variable for it is wrong."""
        return youtube_access(self.environ)

    @property
    def language_model_key(self) -> str:
        """Key of the language models' endpoints; '' without one, as local servers take it."""
        return secret(self.environ, _LANGUAGE_MODEL_KEY)

    @property
    def api_key(self) -> str:
        """Key that opens what `serve` offers (`IMPRESSIONS_API_KEY`); '' leaves it open."""
        return secret(self.environ, _API_KEY)

    @property
    def alerts(self) -> Recipients:
        """Who is told of what failed; `ConfigError` when a variable for it is wrong."""
        webhook, smtp = (secret(self.environ, name) for name in (_WEBHOOK, _SMTP))
        email = self.environ.get(_EMAIL, "").strip()
        parts = _address(webhook)
        if webhook and (parts is None or parts.scheme not in ("http", "https")):
            raise ConfigError(f"{_WEBHOOK} is no address; write https://HOST/PATH")
        server = _address(smtp)
        if email and (server is None or server.scheme not in ("smtp", "smtps")):
            raise ConfigError(
                f"{_EMAIL} needs {_SMTP}: smtp://USER:PASSWORD@HOST:587, or smtps://…:465, with"
                " the special characters of user and password percent-encoded"
            )
        return Recipients(webhook, email, smtp)

    @property
    def pods(self) -> Path | None:
        """File that says what pods steps get on Kubernetes; None where steps need none."""
        said = self.environ.get(_PODS, "").strip()
        return Path(said).expanduser().absolute() if said else None

    @property
    def container(self) -> Container:
        """What a run that is started from here needs where runs are containers."""
        context = next(filter(None, map(self.environ.get, _CONTAINER)), None)
        return Container(
            image=self.environ.get(_IMAGE) or None, context=json.loads(context) if context else None
        )

    @property
    def asr_python(self) -> Path | None:
        """Python of the environment that holds whisperx (`ASR_PYTHON`); None without one."""
        name = self.environ.get(_ASR_PYTHON, "").strip()
        return Path(name).expanduser().absolute() if name else None

    @property
    def hugging_face_token(self) -> str:
        """Opens gated models on the Hugging Face hub (`HF_TOKEN`); '' without one."""
        return secret(self.environ, _HUGGING_FACE)

    @property
    def visible_cards(self) -> str | None:
        """The GPUs that this process may use (`CUDA_VISIBLE_DEVICES`); None for all."""
        return self.environ.get("CUDA_VISIBLE_DEVICES")

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance: runs, events, schedules."""
        return self.home / "dagster"

    @property
    def scratch(self) -> Path:
        """Work in progress; what lies here may be deleted when nothing runs."""
        return self.home / "scratch"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `IMPRESSIONS_HOME` (`.impressions`) and `IMPRESSIONS_STORAGE` (`storage` in it)."""
    home = environ.get("IMPRESSIONS_HOME") or ".impressions"
    if ":/" in home:
        raise ConfigError(
            f"IMPRESSIONS_HOME={home} is an address; write a folder of this machine,"
            " and the address into IMPRESSIONS_STORAGE"
        )
    folder = _folder(home, "IMPRESSIONS_HOME")
    storage = storage_root(environ.get("IMPRESSIONS_STORAGE") or f"{folder}/storage")
    return Settings(folder, storage, environ)


def youtube_access(environ: Mapping[str, str] = os.environ) -> YouTubeAccess:
    """Read `DEVELOPER_KEY` (or `YOUTUBE_API_KEY`), the proxy, the cookies and the base URL.

    Raises:
        ConfigError: a variable is wrong; the message names it, and never shows a secret.
    """

    def said(name: str) -> str:
        return environ.get(name, "").strip()

    username, password = (secret(environ, name) for name in _WEBSHARE)
    proxy = secret(environ, _PROXY)
    if bool(username) != bool(password):
        raise ConfigError(f"{_WEBSHARE[0]} and {_WEBSHARE[1]} belong together; set both or none")
    if username and proxy:
        raise ConfigError(f"{_PROXY} and {_WEBSHARE[0]} are two proxies; set one of them")
    return YouTubeAccess(
        api_key=secret(environ, "DEVELOPER_KEY") or secret(environ, "YOUTUBE_API_KEY"),
        proxy=_proxy(proxy),
        webshare_username=username,
        webshare_password=password,
        cookies_file=_cookies(said(_COOKIES)),
        base_url=_base_url(said(_YOUTUBE_URL)),
    )


def child_environment(
    settings: Settings, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a process that is to work with the same things as this one."""
    return {
        **environ,
        "IMPRESSIONS_HOME": str(settings.home),
        "IMPRESSIONS_STORAGE": settings.storage,
        "DAGSTER_HOME": str(settings.dagster_home),
    }


def storage_root(root: str, variable: str = "IMPRESSIONS_STORAGE") -> str:
    """Return a root as all of our processes write it: an absolute folder, or an address."""
    if not re.match(r"\w+:/", root):
        return str(_folder(root, variable))
    if not re.match(r"[a-z][a-z0-9+]+://[^/\s]|(file|memory):///?", root):
        raise ConfigError(
            f"{variable}={root} is not an address;"
            " write a folder, or an address such as gs://bucket/prefix"
        )
    return root.rstrip("/") if not root.endswith("://") else root


def _folder(name: str, variable: str) -> Path:
    path = Path(name).expanduser().absolute()
    if path.is_file():
        raise ConfigError(f"{variable}={name} is a file; write a folder, it need not exist yet")
    return path


def _proxy(address: str) -> str:
    """A proxy's address; what is wrong is told without it, for it may hold a password."""
    parts = _address(address)
    if address and (
        parts is None
        or parts.scheme not in ("http", "https", "socks5", "socks5h")
        or parts.path not in ("", "/")
    ):
        raise ConfigError(
            f"{_PROXY} is not a proxy's address; write http://HOST:PORT or"
            " http://USER:PASSWORD@HOST:PORT (or https, socks5, socks5h), with the special"
            " characters of user and password percent-encoded, such as %40 for @"
        )
    return address.rstrip("/")


def _base_url(address: str) -> str:
    parts = _address(address)
    if address and (parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc):
        raise ConfigError(
            f"{_YOUTUBE_URL} is not a server's address; write http://HOST:PORT or https://HOST/PATH,"
            " without user, password, ? and #"
        )
    return address.rstrip("/")


def _address(text: str) -> SplitResult | None:
    """The parts of an address that has a host and neither query nor fragment; None for others."""
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message quotes what may be a password
        return None
    is_clean = text.isprintable() and not re.search(r"[\s?#]", text)
    return parts if is_whole and is_clean else None


def _cookies(name: str) -> Path | None:
    """A file of cookies; only its first line is looked at, for the others are a login."""
    if not name:
        return None
    path = Path(name).expanduser().absolute()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.readline(100)
    except OSError as error:
        raise ConfigError(f"{_COOKIES}={name} cannot be read: {error.strerror}") from error
    if not re.match("#( Netscape)? HTTP Cookie File", head):
        raise ConfigError(
            f"{_COOKIES}={name} is no Netscape cookie file: its first line must be"
            " `# Netscape HTTP Cookie File`. `yt-dlp --cookies-from-browser firefox --cookies FILE`"
            " writes one"
        )
    return path


def _host(address: SplitResult) -> str:
    return address.netloc.rpartition("@")[2]


def _quote_all(word: str) -> str:
    return quote(word, safe="")
