"""A channel's model as transformers loads it, with a model card: a folder for the hub."""

from pathlib import Path
from tempfile import TemporaryDirectory

from impressions_assets.formats.model_card import model_card
from impressions_assets.reader import ChannelReader


def huggingface(channel: ChannelReader, folder: Path, version: int | None = None) -> list[Path]:
    """A version of the model (the promoted one, unless told) as transformers loads it.

    A folder without config.json is no model to transformers: it goes first, and comes last.
    """
    from impressions_assets.gpt.transformers_folder import CONFIG, FILES, write_model

    made = channel.home.version(channel.name, "checkpoint", version)
    with TemporaryDirectory(dir=folder, prefix=".partial-") as scratch:
        checkpoint = channel.home.store.fetch(made.files, Path(scratch) / "checkpoint")
        staged = Path(scratch) / "model"
        staged.mkdir()
        files = [*write_model(checkpoint, staged), model_card(channel, made, checkpoint, staged)]
        (folder / CONFIG).unlink(missing_ok=True)
        files.sort(key=lambda file: file.name == CONFIG)
        for name in {*FILES} - {file.name for file in files}:  # of another version
            (folder / name).unlink(missing_ok=True)
        return [file.replace(folder / file.name) for file in files]
