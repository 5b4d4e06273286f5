"""The loss curve as a picture, small enough to stand in an event log."""

import base64
import io
from collections.abc import Sequence

from impressions_assets.gpt.run import HistoryPoint

_DOTS_PER_INCH = 72  # about 15 kB; Dagster stores a picture in Markdown twice


def loss_curve(history: Sequence[HistoryPoint]) -> str:
    """Draw training and validation loss over steps; return Markdown that holds the PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    train = [(p.step, p.train_loss) for p in history if p.train_loss is not None]
    val = [(p.step, p.val_loss) for p in history if p.val_loss is not None]
    axes.plot(*_columns(train), linewidth=0.8, alpha=0.7, label="training")
    axes.plot(*_columns(val), marker="o", markersize=3, label="validation")
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend()
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return f"![loss curve](data:image/png;base64,{base64.b64encode(png.getvalue()).decode()})"


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [loss for _, loss in points]
