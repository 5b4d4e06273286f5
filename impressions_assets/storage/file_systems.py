"""What file systems differ in: how something appears whole, what they raise, their dates."""

import os
import shutil
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


def write_local(path: Path, content: bytes | Path) -> None:
    """Let bytes or a local file appear at a path once all of it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, file, _CHUNK_BYTES)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def protocols_of(fs: Any) -> tuple[str, ...]:
    """Return the names by which fsspec knows a file system."""
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def failures_of(fs: Any) -> tuple[type[Exception], ...]:
    """Return what a file system raises when storage fails; not all of gcsfs's are OSErrors."""
    if "gs" not in protocols_of(fs):
        return (OSError,)
    from aiohttp import ClientError
    from gcsfs.retry import ChecksumError, HttpError
    from google.auth.exceptions import GoogleAuthError

    # RuntimeError and ValueError: gcsfs's words for an answer that makes no sense, and for 400
    return OSError, HttpError, ChecksumError, ClientError, GoogleAuthError, RuntimeError, ValueError


def modified(info: Mapping[str, Any]) -> float:
    """Return when a listed file was written, in seconds since 1970."""
    when = info["mtime"] if "mtime" in info else info["created"]
    return when.timestamp() if isinstance(when, datetime) else float(when)
