"""Losses over steps as pictures, small enough to stand in an event log."""

import base64
import io
from collections.abc import Mapping, Sequence

from impressions_assets.gpt.run import HistoryPoint

Points = Sequence[tuple[int, float]]
_DOTS_PER_INCH = 72  # about 15 kB; Dagster stores a picture in Markdown twice


def loss_curve(history: Sequence[HistoryPoint]) -> str:
    """Draw training and validation loss over steps; return Markdown that holds the PNG."""
    train = [(p.step, p.train_loss) for p in history if p.train_loss is not None]
    val = [(p.step, p.val_loss) for p in history if p.val_loss is not None]
    lines = {"training": train, "validation": val}
    return f"![loss curve]({_drawn(lines, 'loss (nats per token)', dotted=('validation',))})"


def versions_curve(lines: Mapping[str, Points]) -> str:
    """Draw bits per byte over steps, a line for each version; Markdown that holds the PNG."""
    return f"![bits per byte]({_drawn(lines, 'bits per byte', dotted=tuple(lines))})"


def _drawn(lines: Mapping[str, Points], unit: str, dotted: Sequence[str]) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for label, points in lines.items():
        steps, values = [step for step, _ in points], [value for _, value in points]
        marker = "o" if label in dotted else None
        axes.plot(steps, values, linewidth=0.8, marker=marker, markersize=3, label=label)
    axes.set(xlabel="step", ylabel=unit)
    axes.grid(alpha=0.3)
    axes.legend()
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
