"""The command `nanogpt`: a training on files that nanoGPT's prepare.py wrote, with no channel."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impressions_assets.cli.settings_flags import with_settings
from impressions_assets.cli.terminal import note
from impressions_assets.cli.train import followed
from impressions_assets.gpt.config import LENGTH_PRESETS, MODEL_PRESETS


@with_settings
def nanogpt(
    data: Annotated[
        Path, typer.Argument(help="Folder with train.bin, val.bin and meta.pkl or meta.json.")
    ],
    to: Annotated[Path, typer.Option("--to", help="Folder for shards and checkpoints.")],
    preset: Annotated[
        str, typer.Option("--preset", help=f"Size: {', '.join(MODEL_PRESETS)}.")
    ] = "baby",
    length: Annotated[
        str, typer.Option("--length", help=f"Length: {', '.join(LENGTH_PRESETS)}.")
    ] = "default",
    **settings: Any,
) -> None:
    """Train on nanoGPT's own files. Ctrl-C saves and stops; the same command goes on.

    Without a meta, the ids are GPT-2's. best/, last/ and result.json are written to the folder.
    """
    from impressions_assets.gpt.config import resolve
    from impressions_assets.gpt.manifest import read_manifest
    from impressions_assets.gpt.nanogpt import read_nanogpt
    from impressions_assets.gpt.run import TrainingRun

    resolve(preset, length, settings)  # a mistake is told before anything starts
    tokenizer = read_nanogpt(data, to)
    shards = read_manifest(to / "shards").shards
    train_tokens = sum(shard.num_tokens for shard in shards if shard.split == "train")
    model, train = resolve(preset, length, settings, train_tokens=train_tokens)
    note(f"{data} is read with {tokenizer.vocab_size} ids, {tokenizer.kind}")
    run = TrainingRun(
        shards_dir=to / "shards",
        tokenizer_dir=to / "tokenizer",
        out_dir=to,
        model=model,
        train=train,
    )
    run.save(to / "run.json")
    if code := followed(to / "run.json"):
        raise typer.Exit(code)
