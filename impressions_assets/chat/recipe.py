"""What an encoder's files for sentence-transformers say of how a text becomes a vector.

That is (https://sbert.net) the kind of pooling, how many tokens are read, and what is written
before a question and before a passage. A recipe that asks for more than is done here is refused: a
search would compare something else than was trained.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from impressions_assets.errors import ConfigError

_MODULES, _POOLING = "modules.json", "1_Pooling/config.json"
_PROMPTS, _LENGTHS = "config_sentence_transformers.json", "sentence_bert_config.json"
_MEAN: tuple[list[str], ...] = ([], ["mean"], ["pooling_mode_mean_tokens"])
_FIRST = (["cls"], ["pooling_mode_cls_token"])
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
_OF_PASSAGES = ("document", "passage", "corpus")
_CHOOSE = "choose another, such as sentence-transformers/all-mpnet-base-v2"

_File = TypeVar("_File")


class Recipe(NamedTuple):
    """How a model is used."""

    takes_mean: bool
    """Whether the vector is the mean of all tokens, as it is without a card; else the first."""
    longest: int | None
    """Tokens that are read at most; None where it is not said."""
    lowers: bool
    """Whether capitals are made small before the tokenizer has the text."""
    asked: str = ""
    """What stands before a question."""
    said: str = ""
    """What stands before a passage."""


class _Module(Struct):
    type: str
    path: str = ""

    @property
    def kind(self) -> str:
        """Which of the library's it is; a program that comes with a model has its whole name."""
        is_known = self.type.startswith("sentence_transformers.")
        return self.type.rpartition(".")[2] if is_known else self.type


class _Pooling(Struct):
    """A mode, or several after one another; earlier versions wrote a flag for each."""

    pooling_mode: str | list[str] | None = None
    include_prompt: bool = True
    pooling_mode_cls_token: bool = False
    pooling_mode_mean_tokens: bool = False
    pooling_mode_max_tokens: bool = False
    pooling_mode_mean_sqrt_len_tokens: bool = False
    pooling_mode_weightedmean_tokens: bool = False
    pooling_mode_lasttoken: bool = False

    @property
    def chosen(self) -> list[str]:
        if self.pooling_mode:
            return [self.pooling_mode] if isinstance(self.pooling_mode, str) else self.pooling_mode
        flags = [one for one in self.__struct_fields__ if one.startswith("pooling_mode_")]
        return [flag for flag in flags if getattr(self, flag)]


class _Lengths(Struct):
    max_seq_length: int | None = None
    do_lower_case: bool = False


class _Prompts(Struct):
    prompts: dict[str, str] | None = None
    default_prompt_name: str | None = None
    similarity_fn_name: str | None = None


def recipe_of(name: str, folder: Path, *, searches: bool) -> Recipe:
    """Read a model's recipe; each of its files may be missing.

    Args:
        name: of the model, for errors.
        folder: of its files.
        searches: whether questions are compared with passages, for which the whole recipe counts.

    Raises:
        ConfigError: one cannot be read, or asks for what is not done here.
    """
    modules = _read(name, folder, _MODULES, list[_Module], [])
    card = next((f"{one.path}/config.json" for one in modules if one.kind == "Pooling"), _POOLING)
    pooling = _read(name, folder, card, _Pooling, _Pooling())
    lengths = _read(name, folder, _LENGTHS, _Lengths, _Lengths())
    if pooling.chosen not in (*_MEAN, *_FIRST):
        raise ConfigError(
            f"the encoder {name} pools by {', '.join(pooling.chosen)} ({card}), and the mean of all"
            f" tokens and the first are known here: {_CHOOSE}"
        )
    recipe = Recipe(pooling.chosen in _MEAN, lengths.max_seq_length, lengths.do_lower_case)
    if not searches:
        return recipe
    _refuse_other_modules(name, modules)
    asked, said = _prompts_of(name, folder)
    if (asked or said) and not pooling.include_prompt:
        raise ConfigError(
            f"the encoder {name} leaves its prompts out of its pooling (include_prompt in {card}),"
            " which is not known here: choose another, such as BAAI/bge-base-en-v1.5"
        )
    return recipe._replace(asked=asked, said=said)


def _refuse_other_modules(name: str, modules: Sequence[_Module]) -> None:
    if others := [one.type for one in modules if one.kind not in _KNOWN_MODULES]:
        raise ConfigError(
            f"the encoder {name} is more than a transformer and its pooling: {', '.join(others)}"
            f" ({_MODULES}) is not known here, and a search would compare something else; {_CHOOSE}"
        )


def _prompts_of(name: str, folder: Path) -> tuple[str, str]:
    """What stands before a question, and before a passage."""
    file = _read(name, folder, _PROMPTS, _Prompts, _Prompts())
    if file.similarity_fn_name not in (None, "cosine"):
        raise ConfigError(
            f"the encoder {name} compares by {file.similarity_fn_name} (similarity_fn_name in"
            f" {_PROMPTS}), and a search here by the cosine: {_CHOOSE}"
        )
    prompts = file.prompts or {}
    other = prompts.get(file.default_prompt_name or "", "")
    said = next((prompts[one] for one in _OF_PASSAGES if one in prompts), other)
    return prompts.get("query", other), said


def _read(name: str, folder: Path, file: str, kind: type[_File], absent: _File) -> _File:
    try:
        return msgspec.json.decode((folder / file).read_bytes(), type=kind)
    except FileNotFoundError:
        return absent
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"the encoder {name} has a {file} that cannot be read: {error}"
        ) from error
