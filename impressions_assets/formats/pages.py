"""A page per video: the article as Markdown, or the clean text that models learn from."""

from pathlib import Path

from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.formats.tables import left_out
from impressions_assets.reader import ChannelReader


def markdown(channel: ChannelReader, folder: Path) -> list[Path]:
    """An article per video."""
    return [
        write_text(folder, f"{safe_name(row.video_id)}.md", row.markdown)
        for row in channel.home.table("articles").rows(channel.name)
        if row.markdown
    ]


def text(channel: ChannelReader, folder: Path) -> list[Path]:
    """A document per video: the clean text that models learn from."""
    gone = left_out(channel, "documents")
    return [
        write_text(folder, f"{safe_name(row.video_id)}.txt", row.text)
        for row in channel.home.table("documents").rows(channel.name)
        if row.text and row.video_id not in gone
    ]
