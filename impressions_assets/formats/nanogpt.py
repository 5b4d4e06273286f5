"""The token shards as the files that nanoGPT's `train.py` reads."""

import tempfile
from pathlib import Path

from impressions_assets.reader import ChannelReader


def nanogpt(channel: ChannelReader, folder: Path) -> list[Path]:
    """The files train.bin and val.bin as nanoGPT reads them, and meta.json."""
    from impressions_assets.gpt.manifest import read_manifest
    from impressions_assets.gpt.nanogpt import write_nanogpt

    made = channel.home.version(channel.name, "token_shards")
    with tempfile.TemporaryDirectory() as scratch:
        shards = channel.home.store.fetch(made.files, Path(scratch))
        write_nanogpt(shards, read_manifest(shards), folder)
    names = ("train.bin", "val.bin", "meta.json")  # without validation text there is no val.bin
    return [folder / name for name in names if (folder / name).exists()]
