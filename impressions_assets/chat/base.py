"""The base of a chat model: our own checkpoint, a folder of transformers, or a name on the hub.

Only safetensors are read, unless pickled weights are allowed: those can run any program.
"""

from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from impressions_assets.chat.hub import model_folder
from impressions_assets.chat.prompts import PLAIN
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.transformers_folder import write_model
from impressions_assets.gpt.transformers_models import register_ours


class Base(NamedTuple):
    """A base on disk, and its tokenizer made ready to learn answers."""

    name: str
    folder: Path
    tokenizer: Any
    pickled: bool

    @property
    def config(self) -> Any:
        """What transformers knows of its shape."""
        return AutoConfig.from_pretrained(self.folder, trust_remote_code=False)

    @property
    def num_parameters(self) -> int:
        """How many weights it has, without loading them."""
        import torch

        with torch.device("meta"):
            shape: Any = AutoModelForCausalLM
            model = shape.from_config(self.config)
        return sum(weight.numel() for weight in model.parameters())

    def load(self, **options: Any) -> Any:
        """Load the weights.

        Raises:
            ConfigError: the folder holds no causal language model.
        """
        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                self.folder,
                use_safetensors=None if self.pickled else True,
                trust_remote_code=False,
                **options,
            )
        except (OSError, ValueError, ImportError) as error:
            raise ConfigError(f"cannot load the base {self.name}: {error}") from error
        model.config.pad_token_id = self.tokenizer.pad_token_id
        return model


def open_base(
    name: str,
    *,
    checkpoint: Path | None = None,
    made: Path | None = None,
    plain: bool = False,
    padding: str | None = None,
    pickled: bool = False,
) -> Base:
    """Open a base.

    Args:
        name: of the hub, or a folder's path; what a checkpoint is called, beside one.
        checkpoint: our own checkpoint.
        made: where it is written as a folder of transformers.
        plain: whether the plain template goes before the base's own.
        padding: the token that fills up.
        pickled: whether pickled weights may be loaded.

    Raises:
        ConfigError: it is not there, gated, pickled, or has no tokenizer that will do.
    """
    register_ours()
    if checkpoint is not None:
        assert made is not None
        made.mkdir(parents=True, exist_ok=True)
        write_model(checkpoint, made)
        folder = made
    else:
        folder = model_folder(name, pickled)
    if not any(folder.glob("*.safetensors")) and not pickled:
        raise ConfigError(
            f"the base {name} has no *.safetensors, and pickled weights can run any program when"
            " they are loaded: set `pickled_weights: true` if you trust who wrote them, or save it"
            " anew with save_pretrained"
        )
    return Base(name, folder, _tokenizer(name, folder, plain, padding), pickled)


def _tokenizer(name: str, folder: Path, plain: bool, padding: str | None) -> Any:
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ConfigError(
            f"the base {name} has no tokenizer that can be loaded ({error}): a model that speaks to"
            " people needs one"
        ) from error
    if tokenizer.eos_token_id is None:
        raise ConfigError(
            f"the tokenizer of {name} names no token that ends a text (eos_token), so that answers"
            " could not end: name one in its tokenizer_config.json"
        )
    if plain or not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN
    if padding is not None and padding not in tokenizer.get_vocab():
        raise ConfigError(f"the base {name} has no token {padding!r} to fill up with")
    tokenizer.pad_token = padding or tokenizer.pad_token or tokenizer.eos_token
    return tokenizer
