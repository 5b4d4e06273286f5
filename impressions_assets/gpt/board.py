"""Curves for TensorBoard, where it is installed: what the log says, as scalars to look at.

What a killed run had drawn after the step that a training goes on from is drawn by that one once
more: `purge_step` tells that the first is void. Training and validation are two of TensorBoard's
runs, so that their losses stand in one picture.
"""

from pathlib import Path
from typing import Any

from impressions_assets.rows import Split


class Board:
    """Writes scalars by step into a folder; without a folder or TensorBoard, nowhere."""

    def __init__(
        self, folder: Path | None, last_step: int | None, evaluated_step: int | None
    ) -> None:
        """Open a folder; the steps are the last ones that stay drawn, None for none of them."""
        kind = None if folder is None else _writer()
        self._writers = {
            split: kind(str(folder / split), purge_step=0 if last is None else last + 1)
            for split, last in (("train", last_step), ("val", evaluated_step))
            if kind and folder
        }

    def draw(self, split: Split, step: int, **figures: float | None) -> None:
        """Add a point to each curve whose figure is known."""
        for name, figure in figures.items() if split in self._writers else ():
            if figure is not None:
                self._writers[split].add_scalar(name, figure, step)

    def close(self) -> None:
        """Write what is left."""
        for writer in self._writers.values():
            writer.close()


def _writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # 0.3 s of CPU, so not at import
    except ImportError:
        return None
    return SummaryWriter
