"""Secrets in the environment or in files that it names, and the scan for those in what git has."""

from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.secret_files import FILE_VARIABLES
from impressions_assets.settings import load_settings
from impressions_assets_tests.secret_scan import ALLOWED, main, secrets_in

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"


def written(tmp_path: Path, text: str | bytes) -> str:
    file = tmp_path / "secret"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def test_each_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, "https://user:word@example.org\n")
    settings = load_settings(dict.fromkeys(FILE_VARIABLES, file))

    secret = "https://user:word@example.org"

    assert settings.language_model_key == settings.api_key == settings.hugging_face_token == secret
    assert settings.alerts.webhook == secret
    access = load_settings({"DEVELOPER_KEY_FILE": file, "IMPRESSIONS_YOUTUBE_PROXY_FILE": file})
    assert (access.youtube.api_key, access.youtube.proxy) == (secret, secret)
    assert load_settings({"YOUTUBE_API_KEY_FILE": file}).youtube.api_key == secret
    webshare = {name: file for name in FILE_VARIABLES if name.startswith("WEBSHARE")}
    assert load_settings(webshare).youtube.webshare_password == secret
    mail = written(tmp_path, "smtp://me:word@mail.example.org:587")
    to = {"IMPRESSIONS_ALERT_SMTP_FILE": mail, "IMPRESSIONS_ALERT_EMAIL": "me@example.org"}
    assert load_settings(to).alerts.smtp == "smtp://me:word@mail.example.org:587"


def test_a_secret_that_is_said_twice_is_an_error_that_names_both(tmp_path: Path) -> None:
    both = {"DEVELOPER_KEY": "one", "DEVELOPER_KEY_FILE": written(tmp_path, "other")}
    with pytest.raises(ConfigError, match="DEVELOPER_KEY and DEVELOPER_KEY_FILE are both set"):
        _ = load_settings(both).youtube


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"first\nsecond", "holds more than one line"),
        (b"\xff\xfekey", "is no text"),
    ],
)
def test_a_file_that_holds_no_secret_is_told_by_name_without_its_content(
    tmp_path: Path, content: bytes, told: str
) -> None:
    file = written(tmp_path, content)
    with pytest.raises(ConfigError, match=told) as caught:
        _ = load_settings({"IMPRESSIONS_API_KEY_FILE": file}).api_key
    assert f"IMPRESSIONS_API_KEY_FILE={file}" in str(caught.value)
    assert "second" not in str(caught.value)


def test_a_file_that_is_not_there_is_told_when_its_secret_is_needed(tmp_path: Path) -> None:
    settings = load_settings({"HF_TOKEN_PATH": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="HF_TOKEN_PATH=.* cannot be read: No such file"):
        _ = settings.hugging_face_token


# What would be committed


@pytest.mark.parametrize(
    "line",
    [
        f"key: {KEY}",
        f"-----BEGIN RSA {'PRIVATE'} KEY-----",
        f"token = 'ghp_{'a1' * 18}'",
        f"token: hf_{'aB3' * 12}",
        f"proxy: http://me:{'pass'}word1@proxy.example.org:8080",
        f"hook: https://hooks.slack.com/services/T{'A' * 8}/B{'B' * 8}/{'c' * 24}",
    ],
)
def test_what_looks_like_a_secret_is_found_with_its_line(line: str) -> None:
    assert [found.line for found in secrets_in(f"first\n{line}\nlast\n")] == [2]


@pytest.mark.parametrize(
    "line",
    ["http://USER:PASSWORD@HOST:PORT", "http://me:$PASSWORD@host", f"{KEY}  # {ALLOWED}", "a" * 64],
)
def test_what_only_looks_like_one_is_not(line: str) -> None:
    assert secrets_in(line) == []


def test_the_scan_says_where_a_secret_stands_and_not_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(written(tmp_path, f"one\nkey={KEY}\n"))
    assert main([file]) == 1
    told = capsys.readouterr().err
    assert f"{file}:2: looks like a secret (Google API key)" in told
    assert KEY not in told
