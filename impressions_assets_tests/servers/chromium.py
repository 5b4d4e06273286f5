"""Pictures of pages, taken by a headless Chromium that a machine may or may not have."""

import shutil
import subprocess
import tempfile
from pathlib import Path

_QUIETLY = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
LONGEST_SECONDS = 120.0


def chromium() -> str | None:
    """Where the browser is, or None."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


def take_picture(
    url: str, file: Path, *, width: int = 1600, height: int = 1000, loading_seconds: int = 15
) -> None:
    """Write a page to a PNG file, once it had some seconds to fetch and draw what it shows."""
    browser = chromium()
    assert browser is not None, "no Chromium on this machine: apt-get install chromium"
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                *_QUIETLY,
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--virtual-time-budget={loading_seconds * 1000}",
                f"--screenshot={file}",
                url,
            ],
            check=True,
            capture_output=True,
            timeout=LONGEST_SECONDS,
        )
