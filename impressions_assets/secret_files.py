"""Secrets that stand in the environment, or in files that it names.

`DEVELOPER_KEY_FILE=/run/secrets/key` is `DEVELOPER_KEY` with what the file holds: Docker,
Kubernetes and systemd hand secrets out as files, which no `env` and no crash report shows.
Does not belong here: what a secret is for, and whether it is a right one (settings.py).
"""

from collections.abc import Mapping
from pathlib import Path

from impressions_assets.errors import ConfigError

_FILES_OF = {
    **{
        name: f"{name}_FILE"
        for name in (
            "DEVELOPER_KEY",
            "YOUTUBE_API_KEY",
            "IMPRESSIONS_YOUTUBE_PROXY",
            "WEBSHARE_PROXY_USERNAME",
            "WEBSHARE_PROXY_PASSWORD",
            "IMPRESSIONS_LLM_API_KEY",
            "IMPRESSIONS_API_KEY",
            "IMPRESSIONS_ALERT_WEBHOOK",
            "IMPRESSIONS_ALERT_SMTP",
        )
    },
    # The hub's libraries read this one by themselves, in every process of ours.
    "HF_TOKEN": "HF_TOKEN_PATH",
}
FILE_VARIABLES = tuple(_FILES_OF.values())
_MOST_BYTES = 1 << 16


def secret(environ: Mapping[str, str], name: str) -> str:
    """Return a secret from its variable, or from the file that the other one names; '' without.

    Raises:
        ConfigError: both are set, or the file cannot be read or holds no single line.
    """
    said = environ.get(name, "").strip()
    variable = _FILES_OF[name]
    file = environ.get(variable, "").strip()
    if not file:
        return said
    if said:
        raise ConfigError(f"{name} and {variable} are both set: which one holds? Set one of them")
    return _line_of(Path(file).expanduser(), variable)


def _line_of(path: Path, variable: str) -> str:
    """What is wrong is told without a byte of the file: it may hold half of a secret."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{variable}={path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{variable}={path} is no text in UTF-8") from None
    if not text or "\n" in text:
        what = "holds more than one line" if text else "is empty"
        raise ConfigError(f"{variable}={path} {what}; write the secret into it, and nothing else")
    return text
