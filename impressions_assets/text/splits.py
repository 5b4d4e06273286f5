"""Which videos a model learns from and which it is judged by: decided by hash of the video id.

So a video never changes sides when others come or go, and no machine, order or seed matters.
"""

import hashlib
from collections.abc import Mapping

from impressions_assets.rows import Split


def split_of(video_id: str, val_fraction: float) -> Split:
    """'val' for about `val_fraction` of all ids, for ever the same ones."""
    return "val" if _place(video_id) < val_fraction else "train"


def ensure_validation(splits: Mapping[str, Split]) -> dict[str, Split]:
    """The same splits, but with something to learn from and, from two videos on, to judge by.

    The video nearest to the border changes sides: the one with the lowest hash joins `val`, the
    one with the highest joins `train`.
    """
    mended = dict(splits)
    if mended and "train" not in mended.values():
        mended[max(mended, key=_rank)] = "train"
    if len(mended) > 1 and "val" not in mended.values():
        mended[min(mended, key=_rank)] = "val"
    return mended


def _place(video_id: str) -> float:
    """Where the id falls between 0 and 1."""
    digest = hashlib.sha256(b"split:" + video_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _rank(video_id: str) -> tuple[float, str]:
    return _place(video_id), video_id
