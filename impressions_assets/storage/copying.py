"""A home copied between folders and buckets: resumable, checked, and whole or not there.

- `copy.json` names where an unfinished copy comes from, and goes last; `home.json` comes before
  it. Until then nobody can take half a home for one.
- What is there is not sent again: files and parts of tables are never overwritten. Each is checked:
  files against the digest in their name, all by their size on the other side.
- `elsewhere/` stays behind: it keeps what was looked up in the tables, and is made again there.
- The tables' logs are listed first and written last, version by version: what the copy's log names
  is there, also where somebody writes to the original meanwhile.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from impressions_assets.errors import ConfigError, CorruptFile, StorageError
from impressions_assets.storage.home import HOME_FILE, UNFINISHED
from impressions_assets.storage.store import Store, sha256_of

# The list of channels stands above storage, which only copies it.
_TEXTS = ("channels.yaml", HOME_FILE)
# Not `_last_checkpoint`: it may name a version that came later, and is only a shortcut.
_LOG = re.compile(r"(tables/\w+/_delta_log)/\d{20}\.[\w.-]+")
_PART = re.compile(r"tables/\w+/(?!_delta_log/).+\.parquet")
_FILE = re.compile(r"files/[0-9a-f]{2}/([0-9a-f]{64})")
_AT_ONCE = 8


class Copied(NamedTuple):
    """What a copy did."""

    num_files: int
    size_bytes: int
    num_there: int
    """How many files an earlier try had brought."""


def copy_home(
    source: Store,
    target: Store,
    scratch: Path,
    tell: Callable[[int, int], object] = lambda done, of: None,
) -> Copied:
    """Copy a storage root to a place where nothing is; go on where an earlier try was ended.

    Args:
        source: the root that is copied, and not changed.
        target: an empty place, or one that holds an unfinished copy of the same root.
        scratch: a local folder, through which files go that come from a bucket.
        tell: is told how many of how many files were sent.

    Raises:
        ConfigError: the source is no home, or something else lies at the target.
        CorruptFile: a file of the source is not what its digest says.
        StorageError: one of both could not be read or written; a rerun goes on from there.
    """
    there = _checked(source, target)
    if HOME_FILE in there:  # all had arrived but the removal of the mark; somebody may use it since
        target.remove(UNFINISHED)
        return Copied(0, 0, len(there))
    logs = _matching(source.listing("tables"), _LOG)
    parts = _matching(source.listing("files"), _FILE) | _matching(source.listing("tables"), _PART)
    everything = parts | logs
    missing = {name: size for name, size in everything.items() if there.get(name) != size}
    target.write_text(UNFINISHED, json.dumps({"from": source.root}))
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder, ThreadPoolExecutor(_AT_ONCE) as pool:

        def send(names: Iterable[str]) -> int:
            return sum(_send(source, target, name, missing[name], Path(folder)) for name in names)

        one_by_one = [[name] for name in missing if name in parts]
        in_order = [[*names] for _, names in groupby(sorted(missing.keys() & logs), _table_of)]
        num_sent = 0
        for group in (one_by_one, in_order):
            for num in pool.map(send, group):
                num_sent += num
                tell(num_sent, len(missing))
    _check_arrived(everything, target)
    for name in _TEXTS:
        if (text := source.read_text(name)) is not None:
            target.write_text(name, text)
    target.remove(UNFINISHED)
    return Copied(len(missing), sum(missing.values()), len(everything) - len(missing))


def _checked(source: Store, target: Store) -> dict[str, int]:
    """What lies at the target, where it is nothing or an unfinished copy of this source."""
    if source.read_text(HOME_FILE) is None:
        raise ConfigError(
            f"{source.root} is no storage root: it holds no {HOME_FILE}. Name the folder or bucket"
            " that IMPRESSIONS_STORAGE names, such as .impressions/storage"
        )
    if f"{target.root}/".startswith(f"{source.root}/"):
        raise ConfigError(f"{target.root} lies in {source.root}, which is to be copied to it")
    there = target.listing("")
    mark = target.read_text(UNFINISHED)
    if mark is not None and json.loads(mark)["from"] != source.root:
        raise ConfigError(
            f"{target.root} holds an unfinished copy of {json.loads(mark)['from']}: finish that, or"
            " choose another place"
        )
    if there and mark is None:
        raise ConfigError(
            f"{target.root} is not empty ({min(there)} lies there): nothing is copied over what"
            " somebody may use. Choose another place, or empty this one"
        )
    return there


def _matching(listing: Mapping[str, int], pattern: re.Pattern[str]) -> dict[str, int]:
    return {name: size for name, size in listing.items() if pattern.fullmatch(name)}


def _table_of(name: str) -> str:
    found = _LOG.fullmatch(name)
    assert found is not None
    return found[1]


def _send(source: Store, target: Store, name: str, size_bytes: int, folder: Path) -> int:
    with source.on_this_disk(name, folder) as path:
        digest = _FILE.fullmatch(name)
        if digest and sha256_of(path) != digest[1]:
            raise CorruptFile(
                f"{source.root}/{name} is not what its name says: it was damaged after it was"
                " stored. Delete it, materialize the asset that made it again, and copy again"
            )
        if path.stat().st_size != size_bytes:
            raise StorageError(f"{source.root}/{name} changed while it was copied; copy again")
        target.put(name, path)
    return 1


def _check_arrived(wanted: Mapping[str, int], target: Store) -> None:
    there = target.listing("")
    if wrong := sorted(name for name, size in wanted.items() if there.get(name) != size):
        raise StorageError(
            f"{len(wrong)} files did not arrive at {target.root} as they were sent, the first is"
            f" {wrong[0]}: copy again"
        )
