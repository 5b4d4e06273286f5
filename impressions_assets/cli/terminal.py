"""What the commands say, and how a mistake is told: one clear line, never a stack trace."""

import errno
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from impressions_assets.errors import ImpressionsError

INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended


class Commands(TyperGroup):
    """Our commands: our errors become a line and an exit code; `--max_iters` is `--max-iters`."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ImpressionsError as error:
            complain(str(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except Exception as error:
            said = _said_of(error)
            if said is None:
                raise
            complain(said)
            raise typer.Exit(1) from error


def _said_of(error: Exception) -> str | None:
    """Put what the system refuses into words; None for what is not its refusal."""
    if _is_full_disk(error):
        return f"the disk is full: free some space and run again ({type(error).__name__})"
    if isinstance(error, OSError) and error.errno != errno.EPIPE:  # `| head` is Typer's affair
        return f"{error}. A missing folder or a missing permission?"
    return None


def _is_full_disk(error: BaseException | None) -> bool:
    """Say whether a full disk is behind an error, also in the words of Dagster's SQLite."""
    while error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def hyphenated(name: str) -> str:
    """Take a setting by nanoGPT's spelling as well."""
    return name.replace("_", "-")


def output() -> Console:
    """Return where results go: standard output, unwrapped when it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def messages() -> Console:
    """Return where progress and notes go: standard error."""
    return Console(stderr=True, highlight=False)


def complain(problem: str) -> None:
    """Say what went wrong."""
    messages().print(f"[bold red]error:[/] {escape(problem)}", soft_wrap=True)


def note(text: str) -> None:
    """Say something beside the results."""
    messages().print(text, soft_wrap=True)


def table_of(*columns: str, numbers: tuple[str, ...] = (), title: str | None = None) -> Table:
    """Return an empty table in our style; columns of numbers stand to the right."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def number(value: Any, digits: int = 0) -> str:
    """Write a figure for people; '–' when there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def minute(time: str | None) -> str:
    """Write an ISO time for people, to the minute."""
    return f"{time[:16].replace('T', ' ')} UTC" if time else "–"


def bytes_of(size_bytes: int) -> str:
    """Write a size for people."""
    size, units = float(size_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:,.{0 if units[0] == 'bytes' else 1}f} {units[0]}"
