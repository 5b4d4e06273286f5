"""What unchanged files gave at an earlier look, so that the next look does not open them.

- A file is unchanged when its size, mtime and ctime are. Copies that keep the mtime (`rsync -t`)
  can set it back, the ctime nobody can; on Windows it is the time of creation and says nothing.
- What changed less than two seconds before a look is not remembered: it may change again within
  the same tick of the file system's clock. https://git-scm.com/docs/racy-git
- A memory is lines in the order of the listing, each with its checksum: it is read and written
  beside the listing, one line at a time, and appears whole or not at all.
- It may be lost at any time: what is damaged, or comes from another version, counts as nothing,
  and where nothing can be written, nothing is remembered.
"""

import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec
from msgspec import Struct

from impressions_assets.rows import Video

_LONGEST_TICK_NS = 2_000_000_000  # that of FAT
_CHECKSUM = 8
_FOLDER = "listings"


class Mark(Struct, frozen=True, array_like=True):
    """A file as it looks from outside: the same mark, the same content."""

    location: str
    size_bytes: int
    modified_ns: int
    changed_ns: int


class _Entry(Struct, frozen=True, array_like=True):
    place: str
    marks: tuple[Mark, ...]
    video: Video


_decoder = msgspec.json.Decoder(_Entry)


class Look:
    """One pass over the places of a source, in the order of files_by_folder."""

    def __init__(
        self, before: Iterator[tuple[_Entry, bytes]], draft: BinaryIO | None, settled_ns: int
    ) -> None:
        """Read the memory `before`, and write the next one into `draft`."""
        self._before = before
        self._draft = draft
        self._settled_ns = settled_ns
        self._has_news = False
        self._head = next(before, None)

    def recall(self, place: str, marks: tuple[Mark, ...]) -> Video | None:
        """Return what the place gave before; None when its files are others by now."""
        while self._head and _is_before(self._head[0].place, place):
            self._head = next(self._before, None)
        if self._head is None:
            return None
        entry, line = self._head
        if (entry.place, entry.marks) != (place, marks):
            return None
        self._write(line)
        self._head = next(self._before, None)
        return entry.video

    def remember(self, place: str, marks: tuple[Mark, ...], video: Video) -> None:
        """Keep what the place gave; `marks` were taken before its files were read."""
        if all(max(m.modified_ns, m.changed_ns) < self._settled_ns for m in marks):
            self._has_news = True
            self._write(_line(_Entry(place, marks, video)))

    def publish(self, file: Path) -> None:
        """Let the next look find what this one saw; a memory that stays as it is is not written."""
        with suppress(OSError):
            if self._draft is None or (not self._has_news and _size(file) == self._draft.tell()):
                return
            self._draft.close()
            file.parent.mkdir(exist_ok=True)
            os.replace(self._draft.name, file)

    def _write(self, line: bytes) -> None:
        try:
            if self._draft is not None:
                self._draft.write(line)
        except OSError:  # the disk is full
            self._draft = None


class Remembered:
    """What folders gave, in files of `scratch/listings`; without scratch, nothing."""

    def __init__(
        self, scratch: Path | None = None, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._scratch = scratch
        self._now_ns = now_ns

    @contextmanager
    def look(self, folder: Path, version: int) -> Iterator[Look]:
        """Look at a folder; what is seen is remembered when the block ends well.

        Raise `version` when the same files must give another Video from now on.
        """
        settled_ns = self._now_ns() - _LONGEST_TICK_NS
        if self._scratch is None:
            yield Look(iter(()), None, settled_ns)
            return
        file, header = _file(self._scratch, folder), _header(version)
        with ExitStack() as stack:
            draft = _open_draft(self._scratch, header, stack)
            before = stack.enter_context(closing(_entries(file, header)))
            look = Look(before, draft, settled_ns)
            yield look
            look.publish(file)

    def forget(self, folder: Path) -> None:
        """Have the next look at a folder read all of its files."""
        if self._scratch is not None:
            with suppress(OSError):
                _file(self._scratch, folder).unlink()

    def forget_all(self) -> None:
        """Leave nothing of what any folder gave."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch / _FOLDER, ignore_errors=True)


def mark_of(root: str, location: str) -> Mark:
    """Return the mark of a file below `root`. Raises OSError when it cannot be looked at."""
    found = os.stat(f"{root}/{location}")
    return Mark(location, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _is_before(place: str, other: str) -> bool:
    return place != other and _order(place) < _order(other)


def _order(place: str) -> tuple[list[str], str]:
    """Where a place stands: a folder's files come before its subfolders, both by name."""
    folder, _, name = place.rpartition("/")
    return folder.split("/"), name


def _file(scratch: Path, folder: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.abspath(folder))).hexdigest()
    return scratch / _FOLDER / f"{name[:32]}.jsonl"


def _header(version: int) -> bytes:
    """Tell who can read the lines below it: a Video of other fields is another version too."""
    fields = hashlib.sha256(msgspec.json.encode(msgspec.json.schema(_Entry))).hexdigest()
    return f"impressions listing, version {version}, fields {fields}\n".encode()


def _line(entry: _Entry) -> bytes:
    payload = msgspec.json.encode(entry)
    return _checksum(payload) + payload + b"\n"


def _checksum(payload: bytes) -> bytes:
    return b"%08x" % zlib.crc32(payload)


def _entries(file: Path, header: bytes) -> Generator[tuple[_Entry, bytes]]:
    """Yield the entries and their lines, up to the first that is damaged."""
    with suppress(OSError, msgspec.DecodeError), file.open("rb") as lines:
        if lines.readline(len(header)) != header:
            return
        for line in lines:
            payload = line[_CHECKSUM:-1]
            if line[:_CHECKSUM] != _checksum(payload):
                return
            yield _decoder.decode(payload), line


def _open_draft(scratch: Path, header: bytes, stack: ExitStack) -> BinaryIO | None:
    """Open a file that goes with the stack; None where scratch cannot be written."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True)
        draft = open(f"{stack.enter_context(folder)}/listing", "wb")  # noqa: SIM115
        stack.callback(_close, draft)
        draft.write(header)
    except OSError:
        return None
    return draft


def _close(draft: BinaryIO) -> None:
    with suppress(OSError):  # what a full disk did not take
        draft.close()


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
