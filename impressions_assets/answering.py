"""A channel's chat models, opened by the names of their variants."""

from pathlib import Path

from impressions_assets.chat.answerer import Answerer
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.storage.home import Artifact, Home
from impressions_assets.wording import meant

KIND = "chat_model"
MERGED = "merged"  # the folder with the whole model


def open_answerer(home: Home, name: str, scratch: Path, variant: str = "") -> Answerer:
    """Open a channel's chat model: the promoted one, or the newest of a variant.

    Raises:
        NothingToDo: none was trained yet, or none of this name.
        ConfigError: torch or transformers is missing.
    """
    return answerer_of(home, chat_model(home, name, variant), scratch)


def answerer_of(home: Home, made: Artifact, scratch: Path) -> Answerer:
    """Open one version of a chat model."""
    folder = scratch / "models" / made.digest
    home.store.fetch([file for file in made.files if file.name.startswith(MERGED)], folder)
    try:
        from impressions_assets.chat.local_answerer import LocalAnswerer
    except ImportError as error:
        raise ConfigError(
            f"chat models need torch and transformers, and one cannot be imported ({error}):"
            " pip install 'impressions-assets[chat]'"
        ) from error
    return LocalAnswerer.load(folder / MERGED, made.fact("variant"))


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
