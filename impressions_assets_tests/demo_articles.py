"""Articles straight from an archive, without tables; three of the demo's stand in docs/articles.

python -m impressions_assets_tests.demo_articles docs/articles
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from impressions_assets.demo.render import write_archive
from impressions_assets.rows import Article, Chapters, Transcript, Video
from impressions_assets.sources.archive import ArchiveSource
from impressions_assets.speech.captions import parse_track
from impressions_assets.text.articles import article_of
from impressions_assets.text.chapters import chapters_of

SHOWN = ("B3tIuF3F9AN", "VJXUP1yA3xW", "gQ9sIu2EhDw")
_KINDS = {"manual": 0, "automatic": 1, "translated": 2}


def articles_in(folder: Path) -> Iterator[tuple[Article, Chapters]]:
    """The article of each video with captions in an archive, and its chapters."""
    for video, transcript in transcripts_in(folder):
        chapters = chapters_of(video, transcript)
        yield article_of(video, transcript, chapters), chapters


def transcripts_in(folder: Path) -> Iterator[tuple[Video, Transcript]]:
    """The videos with captions in an archive, and what is said in them."""
    source = ArchiveSource(folder)
    for video in source.list_videos():
        if isinstance(video, Video) and video.tracks:
            track = min(video.tracks, key=lambda track: _KINDS[track.kind])
            captions = parse_track(source.fetch(video, track), track.format)
            transcript = Transcript(
                video_id=video.video_id,
                origin=track.kind,
                language=track.language,
                segments=tuple(captions.segments),
            )
            yield video, transcript


def main(folder: Path) -> None:
    """Write those that are shown."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as archive:
        write_archive(Path(archive))
        for article, _ in articles_in(Path(archive)):
            if article.video_id in SHOWN:
                (folder / f"{article.video_id}.md").write_text(article.markdown, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
