"""Keys, passwords and logins are in nothing that a run leaves behind, at any log level.

Each scenario runs a channel's data job with secrets of every kind set, and then looks through all
that was printed and logged, and through every file, table and database of the home.
"""

import base64
import contextlib
import socket
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.cli.main import app
from impressions_assets.runs import open_instance
from impressions_assets_tests.houses import House
from impressions_assets_tests.servers.youtube import YouTube

pytestmark = pytest.mark.slow

KEY = "AIza+secret/key%0123456789"
USER, PASSWORD = "proxy-user", "p@ss:w/rd+100%"
WEBSHARE_PASSWORD = "webshare+secret/0123456789"
LOGIN = "a-login/of+somebody%40-0123456789"
SETTINGS = "youtube: {requests_per_second: 0, timeout_seconds: 2}\n"


@dataclass(frozen=True)
class Scenario:
    """What is set beside the server's address, what goes wrong, and whether the run succeeds."""

    is_ok: bool
    break_it: Callable[[YouTube], object] = lambda youtube: None
    key: str = KEY
    proxy: str = "alive"
    cookies: str = "good"
    webshare: bool = False


def _quota_spent(youtube: YouTube) -> None:
    youtube.quota_limit = 0


def _restricted(youtube: YouTube) -> None:
    youtube.api_keys[KEY] = "https://example.org"


def _failing(path: str, *faults: Any) -> Callable[[YouTube], None]:
    return lambda youtube: youtube.fail(path, *faults * 40)


SCENARIOS = {
    "all is well": Scenario(True),
    "without a key": Scenario(True, key=""),
    "unknown key": Scenario(False, lambda youtube: youtube.api_keys.clear()),
    "key for a web site": Scenario(False, _restricted),
    "quota spent": Scenario(False, _quota_spent),
    "server's errors": Scenario(False, _failing("/youtube/v3/.*", 500)),
    "half answers": Scenario(False, _failing("/youtube/v3/.*", "cut")),
    "dead proxy": Scenario(False, proxy="dead"),
    "dead proxy without a key": Scenario(False, proxy="dead", key=""),
    "proxy refuses": Scenario(False, _failing("/watch", 407)),
    "captcha": Scenario(False, _failing("/watch", "captcha")),
    "captcha without a key": Scenario(False, _failing("/@.*", "captcha"), key=""),
    "blocked without a key": Scenario(False, _failing("/@.*", "blocked"), key=""),
    "broken cookies": Scenario(False, cookies="broken"),
    "broken cookies without a key": Scenario(False, cookies="broken", key=""),
    "Webshare and unknown key": Scenario(
        False, lambda youtube: youtube.api_keys.clear(), proxy="", webshare=True
    ),
}


def spellings(secret: str) -> set[str]:
    """A secret as it may stand in a text, an address, a header."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {secret, unquote(secret)} | quoted | encoded


def secrets() -> set[str]:
    plain = {KEY, PASSWORD, WEBSHARE_PASSWORD, LOGIN}
    plain |= {f"{USER}:{PASSWORD}", f"webshare-user-rotate:{WEBSHARE_PASSWORD}"}
    return {spelled for secret in plain for spelled in spellings(secret)}


@pytest.fixture
def youtube() -> Iterator[YouTube]:
    """It answers as a proxy as well: it goes by the path alone."""
    with YouTube().running() as youtube:
        youtube.api_keys = {KEY: ""}
        youtube.world.uploads(youtube.world.open_channel("talks"), 2)
        yield youtube


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_secret_is_in_anything_that_a_run_leaves_behind(
    youtube: YouTube,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full_log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    scenario = SCENARIOS[name]
    scenario.break_it(youtube)
    for variable, value in environment(scenario, youtube, tmp_path).items():
        monkeypatch.setenv(variable, value)

    with open_instance(tmp_path / "home" / "dagster") as instance:
        house = House(tmp_path / "home", instance)
        house.home.store.write_text(CHANNELS_FILE, SETTINGS)
        house.declare("talks", {"youtube": "https://www.youtube.com/@talks"})
        run = house.data("talks")
    assert run.ok is scenario.is_ok

    printed = [
        CliRunner().invoke(app, arguments).output
        for arguments in (["status", "--config"], ["materialize", "talks", "--plan"])
    ]
    left = {
        "logs": full_log.text,
        "output": "".join(capfd.readouterr()),
        "command line": "".join(printed),
        **{str(path): text_in(path) for path in (tmp_path / "home").rglob("*") if path.is_file()},
    }
    assert {place for place, text in left.items() if any(s in text for s in secrets())} == set()
    # What must be there is found, in tables, databases and logs: the search sees them.
    found = {Path(place).suffix for place, text in left.items() if "talks" in text}
    assert {"", ".db", ".yaml"} <= found


def environment(scenario: Scenario, youtube: YouTube, folder: Path) -> dict[str, str]:
    cookies = folder / "cookies.txt"
    line = f".youtube.com\tTRUE\t/\tTRUE\t4000000000\tSID\t{LOGIN}\n"
    broken = "" if scenario.cookies == "good" else f"a broken line with {LOGIN}\n"
    cookies.write_text(f"# Netscape HTTP Cookie File\n{line}{broken}")
    settings = {
        "IMPRESSIONS_HOME": str(folder / "home"),
        "IMPRESSIONS_YOUTUBE_URL": youtube.url,
        "IMPRESSIONS_YOUTUBE_COOKIES": str(cookies),
        "DEVELOPER_KEY": scenario.key,
    }
    if scenario.webshare:
        return settings | {
            "WEBSHARE_PROXY_USERNAME": "webshare-user",
            "WEBSHARE_PROXY_PASSWORD": WEBSHARE_PASSWORD,
        }
    address = youtube.url.removeprefix("http://") if scenario.proxy == "alive" else closed_port()
    proxy = f"http://{USER}:{quote(PASSWORD, safe='')}@{address}"
    return settings | {"IMPRESSIONS_YOUTUBE_PROXY": proxy}


def closed_port() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def text_in(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(parquet.ParquetFile(path).read().to_pylist())
    raw = path.read_bytes()
    return plain(raw) + (database(path) if raw.startswith(b"SQLite format 3") else "")


def database(path: Path) -> str:
    """Return all values: in the file's bytes a long one may be cut, and a snapshot is packed."""
    with closing(sqlite3.connect(path)) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        rows = [row for table in tables for row in db.execute(f'SELECT * FROM "{table}"')]
    return "\n".join(plain(value) for row in rows for value in row)


def plain(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    with contextlib.suppress(zlib.error):
        value = zlib.decompress(value)
    return value.decode("utf-8", "replace")
