"""A file or a folder of text: `.txt`, `.md`, `.json`, `.jsonl`. One video per text or record.

A JSON document is an object with its text in `text`, `content`, `body`, `transcript`, `segments`,
`turns` or `captions`, and perhaps `id`, `title`, `date`, `url`, `language`, `license`; a JSON list
or a `.jsonl` file holds one per record. A file is read whole: what does not fit in memory is a
dataset.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.documents import DocumentFile, TextDocument, read_documents
from impressions_assets.sources.duplicates import once
from impressions_assets.sources.folder import files_by_folder, is_text
from impressions_assets.sources.source import (
    Source,
    base_id,
    check_video_id,
    checked,
    read_inside,
    sha256_of,
    short_hash,
)

_SUFFIXES = (".txt", ".md", ".json", ".jsonl")
_RECORD = re.compile(r"(.+)#(\d+)", re.S)


class TextSource(Source):
    """Texts as videos without times. A track's location is `<file>`, or `<file>#<record>`.

    A video's id is made of its file's name and path, so it stays when the content changes.
    What is fetched is the text alone, in UTF-8, whatever the file's encoding and form.
    """

    kind = "text"

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self._opened: tuple[str, DocumentFile] | None = None

    def list_videos(self) -> Iterator[Video | Failed]:
        """Stream the texts in the order of their paths.

        Raises SourceMissing when there is no such path, or no text file in it.
        """
        num_items = 0
        for item in once(self._items()):
            num_items += 1
            yield item
        if not num_items:
            raise SourceMissing(
                f"{self.name}: no text in {self.path}: looked for {', '.join(_SUFFIXES)}"
            )

    def fetch(self, video: Video, track: Track) -> bytes:
        """The text in UTF-8.

        Raises SourceMissing when it is gone, SourceBroken when it changed since it was listed.
        """
        where = f"{self.name}: {track.location} ({video.video_id})"
        record = _RECORD.fullmatch(track.location)
        location, number = (record[1], int(record[2])) if record else (track.location, 0)
        documents = self._open(location).documents
        document = documents[number] if number < len(documents) else None
        if not isinstance(document, TextDocument):
            raise SourceBroken(f"{where} changed since it was listed: run again")
        return checked(document.text.encode(), track, where)

    def _items(self) -> Iterator[tuple[str, Video | Failed]]:
        for location in self._locations():
            try:
                file = self._open(location)
            except (SourceBroken, SourceMissing) as error:
                yield location, self._failed(location, self._id_of(location), error)
                continue
            for number, document in enumerate(file.documents):
                place = f"{location}#{number}" if file.is_list else location
                yield place, self._item(place, document, f"{number}" if file.is_list else "")

    def _locations(self) -> Iterator[str]:
        if self.path.is_file():
            yield self.path.name
            return
        for folder, names in files_by_folder(self.path, self.name):
            for name in names:
                if name.lower().endswith(_SUFFIXES):
                    yield (folder / name).as_posix()

    def _open(self, location: str) -> DocumentFile:
        """A file's documents. The last list is kept: its records are fetched one by one."""
        if self._opened and self._opened[0] == location:
            return self._opened[1]
        if not is_text(location):
            raise SourceBroken("the file's name is not UTF-8: rename the file")
        root = self.path if self.path.is_dir() else self.path.parent
        data = read_inside(root, location, self.name)
        file = read_documents(data, PurePosixPath(location).suffix.lower())
        self._opened = (location, file) if file.is_list else None
        return file

    def _id_of(self, location: str) -> str:
        # With the folder's name: another folder of the same channel may have a file called so too.
        return base_id(f"{self.path.name}/{location}")

    def _item(
        self, place: str, document: TextDocument | SourceBroken, record: str
    ) -> Video | Failed:
        location = place.removesuffix(f"#{record}") if record else place
        video_id = f"{self._id_of(location)}-{record}" if record else self._id_of(location)
        if isinstance(document, SourceBroken):
            return self._failed(place, video_id, document)
        if record and document.own_id:
            video_id = _own_id(self._id_of(location), document.own_id)
        track = Track(
            language=document.language or "und",
            kind="manual",
            format="text",
            location=place,
            digest=sha256_of(document.text.encode()),
        )
        return Video(
            video_id=video_id,
            source="text",
            title=document.title or PurePosixPath(location).stem,
            published=document.published,
            language=document.language,
            license=document.license,
            url=document.url,
            tracks=(track,),
        )

    def _failed(self, place: str, video_id: str, error: Exception) -> Failed:
        shown = place.encode("utf-8", "replace").decode()
        retry = isinstance(error, SourceMissing)
        return Failed(video_id=video_id, error=f"{self.name}: {shown}: {error}", retry=retry)


def _own_id(base: str, own_id: str) -> str:
    """A record's own id behind the file's; hashed where it is not allowed in an id."""
    try:
        return check_video_id(f"{base}-{own_id}")
    except SourceBroken:
        return f"{base}-{short_hash(own_id)}"
