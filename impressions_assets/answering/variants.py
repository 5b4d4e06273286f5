"""A channel's chat models, opened by the names of their variants."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impressions_assets.channels.chat import UNTUNED
from impressions_assets.chat.answerer import Answerer
from impressions_assets.chat.run import MERGED
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.wording import meant

KIND = "chat_model"


def open_answerer(home: Home, name: str, scratch: Path, variant: str = "") -> Answerer:
    """Open a channel's chat model: the promoted one, or the newest of a variant.

    `NAME:untuned`, or `untuned` for the promoted one, is the base as it was, for comparison.

    Raises:
        NothingToDo: none was trained yet, or none of this name.
        ConfigError: torch or transformers is missing.
    """
    tuned, _, how = variant.rpartition(":")
    if how == UNTUNED:
        return untuned(home, name, chat_model(home, name, tuned), scratch)
    return answerer_of(home, chat_model(home, name, variant), scratch)


def answerer_of(home: Home, made: Artifact, scratch: Path) -> Answerer:
    """Open one version of a chat model."""
    folder = scratch / "models" / made.digest
    home.store.fetch([file for file in made.files if file.name.startswith(MERGED)], folder)
    with _needing_torch():
        from impressions_assets.chat.local_answerer import LocalAnswerer
    return LocalAnswerer.load(folder / MERGED, made.fact("variant"))


def untuned(home: Home, name: str, made: Artifact, scratch: Path) -> Answerer:
    """Open the base that a chat model was tuned from, asked by the same template."""
    with _needing_torch():
        from impressions_assets.chat.base import open_base
        from impressions_assets.chat.local_answerer import LocalAnswerer, placed, size_bytes_of
    folder, settings = scratch / "models" / f"{made.digest}-base", made.fact("settings")
    number = made.fact("checkpoint_version")
    checkpoint = None
    if number is not None:
        ours = home.version(name, "checkpoint", number)
        checkpoint = home.store.fetch(ours.files, folder / "checkpoint")
    base = open_base(
        made.fact("base"),
        checkpoint=checkpoint,
        made=folder / "transformers",
        plain=settings["template"] == "plain",
        padding=settings["padding_token"],
        pickled=settings["pickled_weights"],
    )
    model = placed(base.load, size_bytes_of(base.folder))
    return LocalAnswerer(f"{made.fact('variant')}:{UNTUNED}", model, base.tokenizer)


@contextmanager
def _needing_torch() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"chat models need torch and transformers, and one cannot be imported ({error}):"
            " pip install 'impressions-assets[chat]'"
        ) from error


def chat_model(home: Home, name: str, variant: str = "") -> Artifact:
    """Return the promoted version, or the newest of a variant."""
    if not variant:
        return home.version(name, KIND)
    made = {str(row.fact("variant")): row for row in home.artifacts(name, KIND)}
    if variant not in made:
        there = f"{meant(variant, made)}there: {', '.join(made)}" if made else "none was trained"
        raise NothingToDo(f"channel {name!r} has no chat model {variant!r}; {there}")
    return made[variant]


def variants(home: Home, name: str) -> list[str]:
    """Return the names of the variants that were trained, the promoted one first."""
    made = sorted(home.artifacts(name, KIND), key=lambda row: not row.current)
    return list(dict.fromkeys(str(row.fact("variant")) for row in made))
