"""The `impressions` command: what it is called, and where its parts are.

Dagster, pandas and torch are imported inside the commands that need them, so that `--help` and
short commands answer at once.
"""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

from impressions_assets.cli import (
    ask,
    channels,
    correct,
    demo,
    development,
    forget,
    generate,
    guard,
    materialize,
    nanogpt,
    overview,
    reading,
    search,
    serve,
    storage,
    train,
)
from impressions_assets.cli.terminal import Commands, hyphenated

app = typer.Typer(
    name="impressions",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": hyphenated},
)


def _examples(*lines: str) -> str:
    return "\n".join(["[bold]Examples[/]", *(f"  {line}" for line in lines)])


def _version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(version("impressions-assets"))
    except PackageNotFoundError:
        typer.echo("not installed")
    raise typer.Exit


@app.callback(
    epilog=_examples(
        "impressions demo                                  see all of it, in minutes",
        "impressions add @CHANNEL --name mine              add a channel of YouTube",
        "impressions materialize mine --plan               what would be computed",
        "impressions materialize mine                      make dataset and model",
        'impressions generate mine -c "The idea is"        let the model speak',
        "impressions dev                                   the same in the Dagster UI",
    )
)
def impressions(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None:
    """A channel goes in; a clean, versioned dataset and a model that speaks like it come out."""


def _command(function: Callable[..., Any], *examples: str) -> None:
    app.command(epilog=_examples(*examples))(function)


_command(
    channels.add,
    "impressions add https://www.youtube.com/@CHANNEL --name mine",
    "impressions add ~/archives/mychannel --name mine",
    "impressions add talk.txt notes/ hf:roneneldan/TinyStories --name mixed",
    "impressions add --from sources.txt --name many",
)
_command(channels.channels, "impressions channels")
_command(
    materialize.materialize,
    "impressions materialize mine",
    "impressions materialize mine --plan",
    "impressions materialize mine --select chapters,articles",
)
_command(
    materialize.redo,
    "impressions redo dQw4w9WgXcQ --from chapters",
    "impressions redo dQw4w9WgXcQ --from transcripts --channel mine",
)
_command(
    train.train,
    "impressions train mine --preset baby --length quick",
    "impressions train mine --max-iters 2000 --batch-size 32",
    "impressions train mine --init last --max_epochs 3   (nanoGPT's spelling)",
    "impressions train mine --preset debug --out none    (keeps nothing)",
)
_command(
    train.models,
    "impressions models mine",
    "impressions models mine --compare 1,2",
    "impressions models mine --promote 1",
)
_command(
    nanogpt.nanogpt,
    "impressions nanogpt data/shakespeare_char --to out/ --length quick",
    "impressions nanogpt data/openwebtext --to out/ --preset gpt2",
)
_command(
    generate.generate,
    'impressions generate mine -c "The idea is" -t 300',
    "impressions generate mine -f speech.txt -ft 10000 --top-k 200",
    "impressions generate mine -m 2 --seed 1 --top-p 0.9 --repetition-penalty 1.1",
)
_command(
    search.search,
    'impressions search mine "gradient descent"',
    'impressions search mine "why does the loss rise?" -n 3 --json',
)
_command(
    guard.guard,
    'impressions guard mine "How do I prune roses?"',
    'impressions guard mine "why does the loss rise?" --json',
)
_command(
    serve.serve,
    "impressions serve mine",
    "impressions serve mine --host 0.0.0.0 --key-file keys.txt",
    "impressions serve mine --variant small --variant large --passages 3",
)
_command(
    ask.ask,
    'impressions ask mine "How does attention work?"',
    "impressions ask mine                              (a conversation)",
    "impressions ask mine --file questions.txt --out answers.jsonl",
    'impressions ask mine "How does attention work?" --style plain --passages 3',
)
_command(
    reading.show,
    "impressions show dQw4w9WgXcQ",
    "impressions show https://youtu.be/dQw4w9WgXcQ --channel mine",
)
_command(
    reading.export,
    "impressions export mine --format parquet --to tables/",
    "impressions export mine --format markdown --to articles/",
    "impressions export mine --format nanogpt --to nanoGPT/data/mine",
)
_command(
    correct.correct,
    "impressions correct mine review/qa_pairs.csv",
    "impressions correct mine dQw4w9WgXcQ.transcript.csv",
    "impressions correct mine --undo dQw4w9WgXcQ",
)
_command(
    overview.status,
    "impressions status",
    "impressions status mine --config",
)
_command(
    forget.forget,
    "impressions forget dQw4w9WgXcQ         (shows what would go)",
    "impressions forget dQw4w9WgXcQ --yes",
)
_command(
    overview.gc,
    "impressions gc",
    "impressions gc --older-than-hours 24",
    "impressions gc --runs-older-than-days 90",
)
app.add_typer(
    storage.app,
    name="storage",
    epilog=_examples(
        "impressions storage copy .impressions/storage gs://bucket/prefix",
        "impressions storage copy gs://bucket/prefix /srv/impressions/storage",
    ),
)
_command(development.dev, "impressions dev", "impressions dev --port 3001")
_command(demo.demo, "impressions demo", "IMPRESSIONS_HOME=/tmp/try impressions demo")
