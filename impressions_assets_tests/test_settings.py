"""Where things lie and how YouTube is reached, read from the environment."""

import traceback
from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.settings import YouTubeAccess, child_environment, load_settings


def test_everything_lies_in_the_current_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.home == tmp_path / ".impressions"
    assert settings.storage == str(tmp_path / ".impressions/storage")
    assert settings.dagster_home == tmp_path / ".impressions/dagster"
    assert settings.scratch == tmp_path / ".impressions/scratch"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"IMPRESSIONS_HOME": "", "IMPRESSIONS_STORAGE": ""}) == load_settings({})


def test_relative_folders_become_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"IMPRESSIONS_HOME": "here", "IMPRESSIONS_STORAGE": "there"})
    assert (settings.home, settings.storage) == (tmp_path / "here", str(tmp_path / "there"))


def test_storage_follows_home() -> None:
    assert load_settings({"IMPRESSIONS_HOME": "/srv/imp"}).storage == "/srv/imp/storage"


@pytest.mark.parametrize("root", ["gs://bucket/prefix", "memory://", "file:///srv/x", "s3://b"])
def test_an_address_stays_as_it_is(root: str) -> None:
    assert load_settings({"IMPRESSIONS_STORAGE": root}).storage == root


def test_a_slash_at_the_end_of_an_address_makes_no_other_place() -> None:
    assert load_settings({"IMPRESSIONS_STORAGE": "gs://bucket/x/"}).storage == "gs://bucket/x"


@pytest.mark.parametrize("root", ["gs:/bucket", "gs://", "gs:///prefix", "GS://b"])
def test_a_mistyped_address_does_not_become_a_folder(root: str) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_STORAGE"):
        load_settings({"IMPRESSIONS_STORAGE": root})


def test_home_must_be_a_folder_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_HOME=gs://b is an address"):
        load_settings({"IMPRESSIONS_HOME": "gs://b"})
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        load_settings({"IMPRESSIONS_HOME": str(tmp_path / "file")})


def test_a_child_process_works_with_the_same_things_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"IMPRESSIONS_HOME": "here"})
    environment = child_environment(settings, {"PATH": "/bin", "IMPRESSIONS_HOME": "here"})
    assert environment["PATH"] == "/bin"
    assert environment["DAGSTER_HOME"] == str(tmp_path / "here/dagster")
    monkeypatch.chdir("/")
    assert load_settings(environment) == settings


# YouTube

COOKIES = "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tSID\tc00kie\n"


def youtube(**environ: str) -> YouTubeAccess:
    return load_settings(environ).youtube


def test_youtube_is_reached_without_any_variable() -> None:
    assert youtube() == YouTubeAccess()
    assert youtube(DEVELOPER_KEY=" ", IMPRESSIONS_YOUTUBE_PROXY="") == YouTubeAccess()
    assert youtube().secrets == ()


def test_the_first_key_that_is_set_counts() -> None:
    assert youtube(YOUTUBE_API_KEY=" second\n").api_key == "second"
    assert youtube(DEVELOPER_KEY=" first\n", YOUTUBE_API_KEY="second").api_key == "first"
    assert youtube(DEVELOPER_KEY="", YOUTUBE_API_KEY="second").api_key == "second"


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy.example:8080",
        "https://user:p%40ss@proxy.example",
        "socks5://user:pass@127.0.0.1:1080",
        "socks5h://[::1]:1080",
    ],
)
def test_a_proxy_is_an_address_with_a_host(proxy: str) -> None:
    assert youtube(IMPRESSIONS_YOUTUBE_PROXY=f"{proxy}/").proxy == proxy


@pytest.mark.parametrize(
    "proxy",
    [
        "user:hunter2@proxy.example:8080",
        "ftp://user:hunter2@proxy.example",
        "http://user:hunter2@",
        "http://user:hunter2@proxy.example:port",
        "http://user:hunter2@proxy.example:99999",
        "http://user:hunter2@proxy.example/path",
        "http://user:hunter2@proxy.example?a=b",
        "http://user:hunter2@proxy .example",
        "http://user:hunter2/x@proxy.example:8080",
        "http://user:hunter2#x@proxy.example:8080",
        "http://user:hunter2\n@proxy.example:8080",
        "http://user:hunter2\x01@proxy.example:8080",
        "http://user:hunter2@[proxy.example",
        "hunter2",
    ],
)
def test_a_wrong_proxy_is_refused_without_showing_the_password(proxy: str) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_YOUTUBE_PROXY is not") as caught:
        youtube(IMPRESSIONS_YOUTUBE_PROXY=proxy)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_webshare_account_is_a_name_and_a_password() -> None:
    account = {"WEBSHARE_PROXY_USERNAME": "me", "WEBSHARE_PROXY_PASSWORD": "hunter2"}
    access = youtube(**account)
    assert (access.webshare_username, access.webshare_password) == ("me", "hunter2")
    for name, value in account.items():
        with pytest.raises(ConfigError, match="belong together") as caught:
            youtube(**{name: value})
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError, match="set one of them"):
        youtube(**account, IMPRESSIONS_YOUTUBE_PROXY="http://proxy.example")


def test_cookies_lie_in_a_netscape_file(tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(COOKIES)
    assert youtube(IMPRESSIONS_YOUTUBE_COOKIES=str(file)).cookies_file == file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("", "is no Netscape cookie file"),
        ('[{"name": "SID", "value": "c00kie"}]', "is no Netscape cookie file"),
    ],
)
def test_wrong_cookies_are_refused_without_showing_them(
    tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "cookies.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=f"IMPRESSIONS_YOUTUBE_COOKIES=.*{said}") as caught:
        youtube(IMPRESSIONS_YOUTUBE_COOKIES=str(file))
    assert "c00kie" not in str(caught.value)


def test_another_server_can_stand_in_for_youtube() -> None:
    assert youtube(IMPRESSIONS_YOUTUBE_URL="http://127.0.0.1:8000/").base_url == (
        "http://127.0.0.1:8000"
    )


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "ftp://a", "http://", "http://me:hunter2@a", "http://a?b", "/a"]
)
def test_an_address_that_is_no_server_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="IMPRESSIONS_YOUTUBE_URL is not") as caught:
        youtube(IMPRESSIONS_YOUTUBE_URL=address)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_variable_of_youtube_stops_nothing_else(tmp_path: Path) -> None:
    settings = load_settings(
        {"IMPRESSIONS_HOME": str(tmp_path), "IMPRESSIONS_YOUTUBE_PROXY": "nonsense"}
    )
    assert settings.home == tmp_path
    with pytest.raises(ConfigError):
        _ = settings.youtube


def test_no_form_that_is_shown_holds_a_secret(tmp_path: Path) -> None:
    (tmp_path / "cookies.txt").write_text(COOKIES)
    settings = load_settings(
        {
            "DEVELOPER_KEY": "AIza-key",
            "IMPRESSIONS_YOUTUBE_PROXY": "http://somebody:hunter2@proxy.example:8080",
            "IMPRESSIONS_YOUTUBE_COOKIES": str(tmp_path / "cookies.txt"),
        }
    )
    access = settings.youtube
    forms = (repr(access), str(access), f"{access}", repr(access.shown), repr(settings))
    for secret in ("AIza-key", "hunter2", "somebody", "c00kie"):
        assert [form for form in forms if secret in form] == []
    assert access.shown["api_key"] == "set"
    assert access.shown["proxy"] == "http://proxy.example:8080"
    webshare = YouTubeAccess(webshare_username="somebody", webshare_password="hunter2")
    assert repr(webshare).count("set") == 1
    assert "hunter2" not in repr(webshare)


def test_secrets_are_known_in_every_spelling() -> None:
    access = youtube(
        DEVELOPER_KEY="AIza+key", IMPRESSIONS_YOUTUBE_PROXY="http://me:p%40ss%2fw%20d@a:1"
    )
    spellings = {"AIza+key", "AIza%2Bkey", "p%40ss%2fw%20d", "p@ss/w d", "p%40ss%2Fw%20d"}
    assert spellings <= set(access.secrets)
    assert "me" not in access.secrets
    assert list(access.secrets) == sorted(access.secrets, key=len, reverse=True)


def test_a_proxy_without_a_password_has_its_user_for_a_secret() -> None:
    assert youtube(IMPRESSIONS_YOUTUBE_PROXY="http://t0ken:@a:1").secrets == ("t0ken",)


def test_the_password_of_webshare_is_a_secret() -> None:
    account = {"WEBSHARE_PROXY_USERNAME": "me", "WEBSHARE_PROXY_PASSWORD": "hunter2"}
    assert youtube(**account).secrets == ("hunter2",)
