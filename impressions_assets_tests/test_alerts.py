"""Who is told of what failed: each thing once, over a webhook or by e-mail, and nothing is lost."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from impressions_assets import alerts as alerting
from impressions_assets.alerts import Outcome, alerts, newly_failed
from impressions_assets.errors import ConfigError, SourceUnreachable
from impressions_assets.partitions import channel_partitions
from impressions_assets.resources.impressions import Impressions
from impressions_assets.runs import open_instance
from impressions_assets.settings import load_settings
from impressions_assets_tests.servers.loopback import Loopback
from impressions_assets_tests.servers.mail import mail_server


def outcome(check: str, *, passed: bool) -> Outcome:
    return Outcome(check, passed, f"{check} failed")


def test_a_check_that_fails_again_and_again_is_told_once_until_it_passes() -> None:
    news, failing = newly_failed(set(), [outcome("a", passed=False), outcome("b", passed=True)])
    assert ([one.check for one in news], failing) == (["a"], {"a"})
    news, failing = newly_failed(failing, [outcome("a", passed=False)])
    assert (news, failing) == ([], {"a"})
    news, failing = newly_failed(failing, [outcome("a", passed=True), outcome("a", passed=False)])
    assert ([one.check for one in news], failing) == (["a"], {"a"})


def test_a_check_that_passes_within_one_look_is_not_told() -> None:
    assert newly_failed(set(), [outcome("a", passed=False), outcome("a", passed=True)]) == (
        [],
        frozenset(),
    )


@dg.asset(
    partitions_def=channel_partitions,
    check_specs=[
        dg.AssetCheckSpec("no_source_is_paused", asset="videos", partitions_def=channel_partitions)
    ],
)
def videos() -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Says that the day's quota is spent."""
    facts = {"until": "2026-12-01T08:00", "why": "the day's quota of the Data API is spent"}
    paused = dg.AssetCheckResult(
        passed=False,
        check_name="no_source_is_paused",
        severity=dg.AssetCheckSeverity.WARN,
        metadata=facts,
    )
    return dg.MaterializeResult(check_results=[paused])


@dg.asset(partitions_def=channel_partitions)
def documents() -> None:
    """Fails."""
    raise dg.Failure("the bucket is not there")


class Hook(BaseHTTPRequestHandler):
    """A webhook; `status` is what it answers from now on."""

    told: dict[str, Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told["bodies"].append(json.loads(body))
        self.send_response(self.told["status"])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[str, dict[str, Any]]]:
    """Address of a webhook, and what it was told and answers."""
    told: dict[str, Any] = {"status": 200, "bodies": []}
    server = Loopback(Hook, told=told)
    with server.running():
        yield server.url, told


class House:
    """An instance whose runs fail, and the sensor that looks at it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        instance.add_dynamic_partitions("channel", ["talks"])

    def run(self, asset: dg.AssetsDefinition, **tags: str) -> None:
        dg.materialize(
            [asset],
            instance=self.instance,
            partition_key="talks",
            tags={key.replace("__", "/"): value for key, value in tags.items()},
            raise_on_error=False,
        )

    def look(self, storage: Path) -> str:
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            found: Any = alerts(context, impressions=Impressions(storage=str(storage)))
            self.cursor = found.cursor
            return str(found.skip_reason.skip_message)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """As `impressions dev` has it: SQLite keeps a file of events for each run, and an index."""
    with open_instance(tmp_path / "dagster") as instance:
        yield House(instance)


def test_what_failed_is_told_by_mail_once(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(documents)
    with mail_server() as server:
        monkeypatch.setenv("IMPRESSIONS_ALERT_EMAIL", "me@example.org")
        monkeypatch.setenv("IMPRESSIONS_ALERT_SMTP", server.url)
        assert house.look(tmp_path) == "nothing to tell"  # what was before is history
        house.run(videos)
        house.run(documents)
        house.run(documents, dagster__will_retry="true")
        assert house.look(tmp_path) == "told of 2"
        assert house.look(tmp_path) == "nothing to tell"
        house.run(videos)
        assert house.look(tmp_path) == "nothing to tell"
    (mail,) = server.received
    text = mail.get_content()
    assert (mail["To"], mail["Subject"]) == ("me@example.org", "Impressions: 2 to look at")
    assert "talks: run" in text
    assert "talks: videos no_source_is_paused failed." in text
    assert "quota of the Data API is spent" in text


def test_an_alert_waits_for_a_webhook_that_does_not_answer(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: tuple[str, dict[str, Any]]
) -> None:
    url, told_by = hook
    monkeypatch.setenv("IMPRESSIONS_ALERT_WEBHOOK", f"{url}/services/s3cret")
    house.look(tmp_path)
    house.run(documents)
    told_by["status"] = 503
    with pytest.raises(SourceUnreachable, match="webhook for alerts answered 503") as told:
        house.look(tmp_path)
    assert "s3cret" not in str(told.value)
    told_by["status"] = 200
    assert house.look(tmp_path) == "told of 1"
    subjects = [body["text"].splitlines()[0] for body in told_by["bodies"]]
    assert subjects == ["Impressions: 1 to look at"] * 2


def test_one_of_two_that_is_down_sends_no_alert_again_by_the_other(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: tuple[str, dict[str, Any]]
) -> None:
    url, told_by = hook
    monkeypatch.setenv("IMPRESSIONS_ALERT_WEBHOOK", url)
    monkeypatch.setenv("IMPRESSIONS_ALERT_EMAIL", "me@example.org")
    monkeypatch.setenv("IMPRESSIONS_ALERT_SMTP", "smtp://127.0.0.1:9")  # nobody listens
    house.look(tmp_path)
    house.run(documents)
    said = "told of 1; the mail server 127.0.0.1 took no alert: ConnectionRefusedError"
    assert house.look(tmp_path) == said
    assert house.look(tmp_path) == "nothing to tell"
    assert len(told_by["bodies"]) == 1


def test_what_is_too_much_for_one_look_is_told_in_the_next(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: tuple[str, dict[str, Any]]
) -> None:
    monkeypatch.setattr(alerting, "MOST", 1)
    monkeypatch.setenv("IMPRESSIONS_ALERT_WEBHOOK", hook[0])
    house.look(tmp_path)
    for _ in range(2):
        house.run(documents)
    assert [house.look(tmp_path) for _ in range(3)] == ["told of 1"] * 2 + ["nothing to tell"]


def test_without_anybody_to_tell_nothing_is_sent_and_nothing_piles_up(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: tuple[str, dict[str, Any]]
) -> None:
    house.look(tmp_path)
    house.run(documents)
    assert "nobody is to be told" in house.look(tmp_path)
    monkeypatch.setenv("IMPRESSIONS_ALERT_WEBHOOK", hook[0])
    assert house.look(tmp_path) == "nothing to tell"


@pytest.mark.parametrize(
    "environ",
    [
        {"IMPRESSIONS_ALERT_WEBHOOK": "hooks.example.org"},
        {"IMPRESSIONS_ALERT_EMAIL": "me@example.org"},
        {"IMPRESSIONS_ALERT_EMAIL": "me@example.org", "IMPRESSIONS_ALERT_SMTP": "mail.example.org"},
    ],
)
def test_a_mistyped_recipient_is_told_by_its_variable(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_ALERT_"):
        _ = load_settings(environ).alerts


def test_what_is_printed_of_recipients_holds_no_secret() -> None:
    alerts = load_settings({"IMPRESSIONS_ALERT_WEBHOOK": "https://h.example.org/s3cret"}).alerts
    assert "s3cret" not in repr(alerts)
