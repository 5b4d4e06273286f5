"""One id, one video: the first in the order of listing stays."""

from collections.abc import Iterable, Iterator

import msgspec

from impressions_assets.rows import Failed, Video


def once(items: Iterable[tuple[str, Video | Failed]]) -> Iterator[Video | Failed]:
    """Pass on each video once; `items` say in which file each was found.

    The same video twice with the same content is passed once. With other content, the later one
    becomes a Failed that names both files.
    """
    seen: dict[str, tuple[str, Video]] = {}
    for place, item in items:
        if isinstance(item, Failed):
            yield item
            continue
        first_place, first = seen.setdefault(item.video_id, (place, item))
        if first_place == place:
            yield item
        elif _content_of(item) != _content_of(first):
            yield Failed(
                video_id=item.video_id,
                error=f"video {item.video_id} is there twice with different content: "
                f"{first_place} is used, {place} is not. Remove one of them",
            )


def _content_of(video: Video) -> Video:
    """What a video says, whatever the places of its tracks."""
    tracks = tuple(msgspec.structs.replace(track, location="") for track in video.tracks)
    return msgspec.structs.replace(video, tracks=tracks)
