"""The only reader of the environment: where this installation keeps what it makes.

Everything else a user can choose is a flag, a launchpad's run config or a line of channels.yaml.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impressions_assets.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """Where things lie."""

    home: Path
    """Folder of this machine's own things, absolute."""
    storage: str
    """Root of tables, files and channels.yaml: an absolute folder, or an address such as gs://.

    A bucket's libraries find Google's credentials by themselves: GOOGLE_APPLICATION_CREDENTIALS,
    the login of `gcloud auth application-default login`, or the account of the machine or pod.
    """

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
    return Settings(folder, _storage(environ.get("IMPRESSIONS_STORAGE") or f"{folder}/storage"))


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


def _storage(root: str) -> str:
    if not re.match(r"\w+:/", root):
        return str(_folder(root, "IMPRESSIONS_STORAGE"))
    if not re.match(r"[a-z][a-z0-9+]+://[^/\s]|(file|memory):///?", root):
        raise ConfigError(
            f"IMPRESSIONS_STORAGE={root} is not an address;"
            " write a folder, or an address such as gs://bucket/prefix"
        )
    return root.rstrip("/") if not root.endswith("://") else root


def _folder(name: str, variable: str) -> Path:
    path = Path(name).expanduser().absolute()
    if path.is_file():
        raise ConfigError(f"{variable}={name} is a file; write a folder, it need not exist yet")
    return path
