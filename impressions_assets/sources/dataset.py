"""A Hugging Face dataset, or a local folder or file of one: a row group is one video.

Parquet is listed from the files' footers, so that millions of rows cost little; any other form is
streamed through `datasets` and cut into blocks of 1,000 rows, which are read once to list them and
once more, into a temporary file, when the first one is fetched.
"""

import itertools
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.hub import parquet_addresses, stream_texts
from impressions_assets.sources.row_groups import RowGroup, WrongColumn, row_groups_of, texts_of
from impressions_assets.sources.source import Source, base_id, checked, sha256_of, short_hash

_ROWS_PER_BLOCK = 1000


class DatasetSource(Source):
    """Rows of a dataset as videos without times. A track's location is `<file>#<group>:<rows>`."""

    kind = "dataset"

    def __init__(
        self,
        path_or_name: str,
        split: str = "train",
        text_column: str = "text",
        limit: int | None = None,
        config: str | None = None,
        name: str | None = None,
    ) -> None:
        self.path_or_name = path_or_name
        self.split = split
        self.text_column = text_column
        self.limit = limit
        self.config = config
        self.name = name or path_or_name
        self._addresses: dict[str, str] | None = None
        self._spool: _Spool | None = None

    def list_videos(self) -> Iterator[Video | Failed]:
        """Stream a video per row group, up to `limit` rows in all.

        Raises SourceMissing when there is no such dataset, split or row, SourceBroken when there
        is no such column, naming those that exist.
        """
        num_items = 0
        addresses = self._parquet()
        for item in self._groups(addresses) if addresses is not None else self._blocks():
            num_items += 1
            yield item
        if not num_items:
            raise SourceMissing(f"{self.name}: split {self.split!r} has no rows")

    def fetch(self, video: Video, track: Track) -> bytes:
        """The rows' texts in UTF-8, one after the other with an empty line between two.

        Rows without text are passed over. An empty line inside of a text is not told from one
        between two. Raises SourceMissing, or SourceBroken when the rows changed meanwhile.
        """
        where = f"{self.name}: {track.location} ({video.video_id})"
        file, _, place = track.location.rpartition("#")
        number, num_rows = (int(part) for part in place.split(":"))
        addresses = self._parquet()
        if addresses is None:
            return checked(self._spooled().block(number), track, where)
        if file not in addresses:
            raise SourceMissing(f"{where}: the dataset has no file {file} any more: run again")
        groups = row_groups_of(addresses[file], self.text_column)
        group = next((group for group in groups if group.number == number), None)
        if group is None or self._digest(track.location, group.digest) != track.digest:
            raise SourceBroken(f"{where} changed since it was listed: run again")
        return _joined(texts_of(addresses[file], self.text_column, number)[:num_rows])

    def _groups(self, addresses: dict[str, str]) -> Iterator[Video | Failed]:
        num_left = self.limit
        for file, address in addresses.items():
            try:
                for group in row_groups_of(address, self.text_column):
                    num_rows = group.num_rows if num_left is None else min(num_left, group.num_rows)
                    if num_rows == 0:
                        break
                    yield self._group(file, group, num_rows)
                    num_left = None if num_left is None else num_left - num_rows
            except WrongColumn as error:
                raise SourceBroken(f"{self.name}: {file}: {error}") from error
            except (SourceBroken, SourceMissing) as error:
                retry = isinstance(error, SourceMissing)
                yield Failed(video_id=self._id_of(file), error=f"{self.name}: {error}", retry=retry)

    def _group(self, file: str, group: RowGroup, num_rows: int) -> Video:
        location = f"{file}#{group.number}:{num_rows}"
        return self._video(file, location, group.number, self._digest(location, group.digest))

    def _blocks(self) -> Iterator[Video]:
        file = f"{Path(self.path_or_name).name}/{self.config or 'default'}/{self.split}"
        for number, texts in enumerate(self._read_blocks()):
            location = f"{file}#{number}:{len(texts)}"
            yield self._video(file, location, number, sha256_of(_joined(texts)))

    def _id_of(self, file: str) -> str:
        # With the dataset's name: many have a file called train-00000-of-00001.parquet.
        return base_id(f"{PurePosixPath(self.path_or_name).name}/{file}")

    def _video(self, file: str, location: str, number: int, digest: str) -> Video:
        track = Track(
            language="und", kind="manual", format="text", location=location, digest=digest
        )
        return Video(
            video_id=f"{self._id_of(file)}-{number:05}",
            source="dataset",
            title=f"{Path(self.name).name}: {Path(file).name}, group {number}",
            tracks=(track,),
        )

    def _digest(self, location: str, group_digest: str) -> str:
        """Digest of a row group: file, group, rows taken and column, with what the footer tells."""
        return sha256_of("\n".join((location, self.text_column, group_digest)).encode())

    def _parquet(self) -> dict[str, str] | None:
        """Addresses of Parquet files by their place in the dataset; None in any other dataset."""
        if self._addresses is None:
            found = parquet_addresses(self.path_or_name, self.config, self.split)
            self._addresses = {self._place(address): address for address in found or []}
        return self._addresses or None

    def _place(self, address: str) -> str:
        """A file's path within its dataset, without the folder or the Hub's revision."""
        if address.startswith("hf://"):
            return address.partition("@")[2].partition("/")[2] or short_hash(address)
        root, path = Path(self.path_or_name).resolve(), Path(address).resolve()
        return path.relative_to(root).as_posix() if root in path.parents else path.name

    def _read_blocks(self) -> Iterator[list[str | None]]:
        texts = stream_texts(self.path_or_name, self.config, self.split, self.text_column)
        limited = itertools.islice(texts, self.limit)
        try:
            while block := list(itertools.islice(limited, _ROWS_PER_BLOCK)):
                yield block
        except WrongColumn as error:
            raise SourceBroken(f"{self.name}: {error}") from error

    def _spooled(self) -> "_Spool":
        if self._spool is None:
            self._spool = _Spool(_joined(block) for block in self._read_blocks())
        return self._spool


class _Place(NamedTuple):
    offset: int
    length: int


class _Spool:
    """Blocks in a temporary file: they are fetched in any order, but read in theirs."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._places = [_Place(self._file.tell(), self._file.write(block)) for block in blocks]

    def block(self, number: int) -> bytes:
        """Bytes of a block, empty when there is none of that number any more."""
        if number >= len(self._places):
            return b""
        self._file.seek(self._places[number].offset)
        return self._file.read(self._places[number].length)


def _joined(texts: list[str | None]) -> bytes:
    stripped = (text.replace("\0", "").strip() for text in texts if text)
    return "\n\n".join(text for text in stripped if text).encode("utf-8", "replace")
