"""Curves for TensorBoard, where it is installed: what the log says, as scalars to look at.

What a killed run had drawn after the step that a training goes on from is drawn by that one once
more: `purge_step` tells that the first is void. Training and validation are two of TensorBoard's
runs, so that their losses stand in one picture. Where they cannot be written, the training goes on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impressions_assets.gpt.run import Log
from impressions_assets.rows import Split


class Board:
    """Writes scalars by step into a folder; without a folder or TensorBoard, nowhere."""

    def __init__(
        self,
        folder: Path | None,
        last_step: int | None,
        evaluated_step: int | None,
        log: Log = lambda _: None,
    ) -> None:
        """Open a folder; the steps are the last ones that stay drawn, None for none of them."""
        self._folder, self._log = folder, log
        self._writers: dict[Split, Any] = {}
        kind = None if folder is None else _writer()
        if kind is None or folder is None:
            return
        lasts: dict[Split, int | None] = {"train": last_step, "val": evaluated_step}
        with self._going_on():
            for split, last in lasts.items():
                purged = 0 if last is None else last + 1
                self._writers[split] = kind(str(folder / split), purge_step=purged)

    def draw(self, split: Split, step: int, **figures: float | None) -> None:
        """Add a point to each curve whose figure is known."""
        with self._going_on():
            for name, figure in figures.items() if split in self._writers else ():
                if figure is not None:
                    self._writers[split].add_scalar(name, figure, step)

    def close(self) -> None:
        """Write what is left."""
        with self._going_on():
            for writer in self._writers.values():
                writer.close()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Draw no more once a disk is full: it ended trainings that had room for all they keep."""
        try:
            yield
        except OSError as error:
            self._writers = {}
            self._log(
                f"the curves for TensorBoard end here: they cannot be written to {self._folder} "
                f"({error}). The training goes on without them"
            )


def _writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # 0.3 s of CPU, so not at import
    except ImportError:
        return None
    return SummaryWriter
