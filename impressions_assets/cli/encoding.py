"""What is shown while passages are encoded, which takes up to a second each on a CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from impressions_assets.cli.terminal import messages


@contextmanager
def shown_encoding() -> Iterator[Callable[[int, int], None]]:
    """What is told how many are encoded, and shows it; on a terminal, how many are done as well."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = messages()
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("")

    def tell(done: int, of: int) -> None:
        if done == 0:
            said = f"{of:,} passage{'s' * (of != 1)} to encode, for search by meaning"
            console.print(f"{said}; interrupted, it goes on from there", soft_wrap=True)
        bar.update(task, completed=done, total=of)
        bar.start()

    try:
        yield tell
    finally:
        bar.stop()
