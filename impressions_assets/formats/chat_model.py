"""A channel's chat model as transformers loads it, with its card: a folder for the hub."""

from pathlib import Path
from tempfile import TemporaryDirectory

from impressions_assets.answering.variants import KIND
from impressions_assets.chat.run import MERGED
from impressions_assets.formats.card import CARD, MARK
from impressions_assets.reader import ChannelReader

_CONFIG = "config.json"


def chat_model(channel: ChannelReader, folder: Path, version: int | None = None) -> list[Path]:
    """A version of the chat model (the promoted one, unless told) as transformers loads it.

    A folder without config.json is no model to transformers: it goes first, and comes last.
    """
    made = channel.home.version(channel.name, KIND, version)
    with TemporaryDirectory(dir=folder, prefix=".partial-") as scratch:
        staged = channel.home.store.fetch(made.files, Path(scratch) / "model", may_link=False)
        card = staged / CARD
        # The mark by which a later export knows that the card is ours to replace.
        card.write_text(card.read_text("utf-8").replace("---\n", f"---\n{MARK}\n", 1), "utf-8")
        (folder / _CONFIG).unlink(missing_ok=True)
        files = [*(path for path in (staged / MERGED).iterdir() if path.is_file()), card]
        files.sort(key=lambda file: (file.name == _CONFIG, file.name))
        return [file.replace(folder / file.name) for file in files]
