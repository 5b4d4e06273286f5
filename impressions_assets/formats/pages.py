"""A page per video: the article as Markdown, or the clean text that models learn from."""

from pathlib import Path

from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.formats.tables import left_out
from impressions_assets.reader import ChannelReader
from impressions_assets.storage.store import StoredFile


def markdown(channel: ChannelReader, folder: Path) -> list[Path]:
    """An article per video, with the pictures that it shows beside it."""
    files: dict[Path, None] = {}  # two articles may show one picture
    for row in channel.home.table("articles").rows(channel.name):
        if row.markdown:
            files[write_text(folder, f"{safe_name(row.video_id)}.md", row.markdown)] = None
            shown = [StoredFile(one.name, one.digest, one.size_bytes) for one in row.frames]
            channel.home.store.fetch(shown, folder, may_link=False)
            files |= dict.fromkeys(folder / one.name for one in shown)
    return list(files)


def text(channel: ChannelReader, folder: Path) -> list[Path]:
    """A document per video: the clean text that models learn from."""
    gone = left_out(channel, "documents")
    return [
        write_text(folder, f"{safe_name(row.video_id)}.txt", row.text)
        for row in channel.home.table("documents").rows(channel.name)
        if row.text and row.video_id not in gone
    ]
