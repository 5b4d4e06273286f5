"""The command `demo`: a channel that this project wrote, from videos to a speaking model."""

import shutil
from typing import Any

import typer

from impressions_assets.cli.materialize import Verbose
from impressions_assets.cli.place import Place, open_place
from impressions_assets.cli.speech import samples_of
from impressions_assets.cli.terminal import messages, note, number, output, table_of
from impressions_assets.rows import PUBLISHED
from impressions_assets.storage.digests import key_of

NAME = "demo"
SETTINGS: dict[str, Any] = {
    "title": "How Impressions works, in talks",
    "languages": ["en", "de"],
    # 30,000 words learn little from a large vocabulary, and each token of it costs time.
    "tokenizer": {"vocab_size": 2048},
    "model": {"preset": "baby"},
    "training": {"length": "quick", "max_iters": 400, "eval_interval": 50, "log_interval": 25},
}


def demo(verbose: Verbose = False) -> None:
    """Take the demo channel from videos to a trained model and a sample, in a few minutes."""
    from impressions_assets.cli.running import data_launch, model_launch, perform

    place = open_place()
    _prepare(place)
    messages().rule("the dataset", align="left", style="dim")
    perform(place, [data_launch(NAME)], verbose=verbose)
    messages().rule("the model", align="left", style="dim")
    perform(place, [model_launch(NAME)], verbose=verbose)
    _show(place)


def _prepare(place: Place) -> None:
    """Write the archive anew (the same talks, the same bytes), and add the channel once."""
    from impressions_assets.channels.channel import ArchiveSource
    from impressions_assets.channels.channels_yaml import save_channel
    from impressions_assets.demo.render import write_archive

    folder = place.settings.home / "demo-archive"
    shutil.rmtree(folder, ignore_errors=True)
    num_talks = write_archive(folder)
    note(f"{num_talks} talks that explain this system, as yt-dlp leaves them: {folder}")
    if NAME not in place.channels().channels:
        save_channel(place.home, NAME, [ArchiveSource(archive=str(folder))], **SETTINGS)


def _show(place: Place) -> None:
    """Print what was made: rows, a pair of question and answer, the model's figures and words."""
    _tables(place)
    _pair(place)
    model = place.home.version(NAME, "checkpoint")
    bits, unigram = model.fact("val_bits_per_byte"), model.fact("unigram_bits_per_byte")
    output().print(
        f"\n[bold]{number(bits, 3)} bits per byte[/], where a model of single tokens needs"
        f" {number(unigram, 3)}: the less, the better it predicts text that it never saw"
    )
    for text in samples_of(place, NAME)[-1:]:
        output().print("\n[bold]a sample[/]")
        typer.echo(text.strip())
    note(
        "\n[bold]now[/]\n"
        "  impressions export demo --format markdown --to articles/   read the talks\n"
        "  impressions generate demo -c 'A token is'                  let the model speak\n"
        "  impressions dev                                            the same in the Dagster UI\n"
        "  impressions add SOURCE --name NAME                         make a channel of your own"
    )


def _tables(place: Place) -> None:
    home = place.home
    table = table_of("asset", "", numbers=("",), title="what there is now")
    table.title_style, table.show_header = "bold", False
    for asset in PUBLISHED:
        table.add_row(asset, f"{number(home.table(asset).count(NAME))} rows")
    table.add_row("  pairs in them", number(home.table("qa_pairs").num_items(NAME, "pairs")))
    shards, model = home.version(NAME, "token_shards"), home.version(NAME, "checkpoint")
    vocab_size = home.version(NAME, "tokenizer").fact("vocab_size")
    table.add_row("tokenizer", f"{number(vocab_size)} tokens")
    num_tokens = shards.fact("train_tokens") + shards.fact("val_tokens")
    table.add_row("token_shards", f"{number(num_tokens)} tokens")
    table.add_row("checkpoint", f"version {model.version}")
    output().print()
    output().print(table)


def _pair(place: Place) -> None:
    """Print one of the pairs, with the link to its second."""
    from impressions_assets.text.times import link_at

    row = next(row for row in place.home.table("qa_pairs").rows(NAME) if row.pairs)
    video, pair = place.home.table("videos").get(NAME, key_of(row.video_id)), row.pairs[0]
    assert video is not None
    output().print("\n[bold]a question and its answer[/]")
    typer.echo(f"Q: {pair.question}\nA: {pair.answer}\n{link_at(video.url, pair.start_seconds)}")
