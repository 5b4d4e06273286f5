"""What an encoder's files for sentence-transformers say of how a text becomes a vector.

As https://sbert.net has it: the kind of pooling, how many tokens are read, and what is written
before a question and before a passage (`encode_query`, `encode_document`). A recipe that asks for
more than is done here is refused: a search would compare something else than was trained.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from impressions_assets.errors import ConfigError

CARD = "1_Pooling/config.json"
_PROMPTS, _LENGTHS = "config_sentence_transformers.json", "sentence_bert_config.json"
_MODULES = "modules.json"
_MEAN, _FIRST = "pooling_mode_mean_tokens", "pooling_mode_cls_token"
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
_OF_PASSAGES = ("document", "passage", "corpus")


class Recipe(NamedTuple):
    """How a model is used."""

    name: str
    pooling: Mapping[str, Any]
    modules: tuple[Mapping[str, Any], ...]
    prompted: Mapping[str, Any]
    longest: int | None
    """Tokens that are read at most; None where it is not said."""

    @property
    def takes_mean(self) -> bool:
        """Whether the vector is the mean of all tokens, as it is without a card; else the first."""
        return not self.pooling or _chosen(self.pooling) == [_MEAN]

    def prompts(self) -> tuple[str, str]:
        """What stands before a question, and before a passage.

        Raises:
            ConfigError: the model does more for a search than is done here.
        """
        others = [
            one["path"]
            for one in self.modules
            if one["type"].rpartition(".")[2] not in _KNOWN_MODULES
        ]
        if others:
            raise ConfigError(
                f"the encoder {self.name} does not end with its pooling: {', '.join(others)}"
                f" ({_MODULES}) is not known here, and a search would compare something else;"
                " choose another, such as sentence-transformers/all-mpnet-base-v2"
            )
        prompts = self.prompted.get("prompts") or {}
        other = prompts.get(self.prompted.get("default_prompt_name"), "")
        asked: str = prompts.get("query", other)
        said: str = next((prompts[one] for one in _OF_PASSAGES if one in prompts), other)
        if (asked or said) and self.pooling.get("include_prompt") is False:
            raise ConfigError(
                f"the encoder {self.name} leaves its prompts out of its pooling (include_prompt in"
                f" {CARD}), which is not known here: choose another, such as"
                " BAAI/bge-base-en-v1.5"
            )
        return asked, said


def recipe_of(name: str, folder: Path) -> Recipe:
    """Read a model's recipe; each of its files may be missing.

    Raises:
        ConfigError: one cannot be read, or it pools otherwise than by the mean or the first token.
    """
    pooling = _read(name, folder, CARD) or {}
    if pooling and _chosen(pooling) not in ([_MEAN], [_FIRST]):
        raise ConfigError(
            f"the encoder {name} pools by {', '.join(_chosen(pooling)) or 'nothing'} ({CARD}), and"
            f" {_MEAN} and {_FIRST} are known here: choose another, such as"
            " sentence-transformers/all-mpnet-base-v2"
        )
    modules = tuple(_read(name, folder, _MODULES) or ())
    longest = (_read(name, folder, _LENGTHS) or {}).get("max_seq_length")
    return Recipe(name, pooling, modules, _read(name, folder, _PROMPTS) or {}, longest)


def _chosen(pooling: Mapping[str, Any]) -> list[str]:
    return [mode for mode, on in pooling.items() if mode.startswith("pooling_mode") and on is True]


def _read(name: str, folder: Path, file: str) -> Any:
    try:
        return msgspec.json.decode((folder / file).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"the encoder {name} has a {file} that cannot be read: {error}"
        ) from error
