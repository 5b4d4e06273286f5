"""Look for keys, tokens and passwords in all that git has or would add: part of `make check`.

The patterns are those of detect-secrets, over whole files: its own scan takes each line by itself,
half a minute for this repository. No server is asked whether a key is valid, and no secret is
printed, only where it stands. Passwords that Python code names so are ruff's to find (S105-S107).
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

ALLOWED = "pragma: allowlist secret"
"""Marks a line that holds what only looks like one, as detect-secrets knows it."""
# Addresses of machines are no secrets, ours is stricter on the next, and nobody here has accounts
# at the others, whose patterns take most of the time.
_NOT_OURS = {
    "Public IP (ipv4)",
    "Basic Auth Credentials",
    "SoftLayer Credentials",
    "Artifactory Credentials",
    "Cloudant Credentials",
    "IBM Cloud IAM Key",
    "IBM COS HMAC Credentials",
}
_MORE = {
    "Google API key": re.compile(r"\bAIza[\w-]{35}\b"),
    "Google OAuth token": re.compile(r"\bya29\.[\w-]{20,}"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
}
# Tests and docs make passwords up: for them they are words, or stand in capitals.
_IN_ADDRESS = re.compile(r"://[^\s:/@'\"{}<>]+:([^\s:/@'\"{}<>]+)@[\w.-]+")
_MADE_UP = re.compile(r"[A-Z]+|\$\S+")


class Found(NamedTuple):
    """Where something stands, and what it looks like."""

    line: int
    kind: str


def secrets_in(text: str, *, passwords: bool = True) -> list[Found]:
    """Tell what a text holds that looks like a secret, in the order of its lines."""
    lines = text.split("\n")
    found = {
        Found(text.count("\n", 0, match.start()) + 1, kind)
        for kind, pattern in _patterns(passwords=passwords)
        for match in pattern.finditer(text)
        if not (pattern is _IN_ADDRESS and _MADE_UP.fullmatch(match[1]))
    }
    return sorted(one for one in found if ALLOWED not in lines[one.line - 1])


def _patterns(*, passwords: bool) -> Iterator[tuple[str, re.Pattern[str]]]:
    yield from _MORE.items()
    if passwords:
        yield "password in an address", _IN_ADDRESS
    for kind, plugin in get_mapping_from_secret_type_to_class().items():
        if kind not in _NOT_OURS and issubclass(plugin, RegexBasedDetector):
            yield from ((kind, pattern) for pattern in plugin().denylist)


def tracked() -> list[Path]:
    """The files that git has, or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in sorted(listed.split("\0")) if name and Path(name).is_file()]


def main(paths: Iterable[Path]) -> int:
    """Tell where secrets stand; return how many there are."""
    num_found = 0
    for path in paths:
        text = path.read_bytes().decode("utf-8", errors="replace")
        for found in secrets_in(text, passwords="impressions_assets_tests" not in path.parts):
            num_found += 1
            print(f"{path}:{found.line}: looks like a secret ({found.kind})", file=sys.stderr)
    if num_found:
        print(
            "Take it out, and change it where it is valid: what was committed is known. A line that"
            f" only looks so is marked with `# {ALLOWED}`",
            file=sys.stderr,
        )
    return num_found


if __name__ == "__main__":
    sys.exit(min(1, main(map(Path, sys.argv[1:]) if sys.argv[1:] else tracked())))
