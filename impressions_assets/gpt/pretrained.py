"""Weights that others trained: a GPT-2 in a folder of transformers, or by its name on the hub.

Only safetensors are read: a pickled file can run any program when it is loaded. No torch here, and
no transformers: a name needs huggingface_hub, which obeys HF_HUB_OFFLINE and keeps what it fetched.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from impressions_assets.errors import CheckpointError, ConfigError
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.gpt2 import Weights, from_gpt2, shape_of
from impressions_assets.gpt.tokenizer import Tokenizer
from impressions_assets.gpt.tokenizer_files import check_same_ids
from impressions_assets.gpt.transformers_folder import CONFIG, load_weights

PREFIX = "hf:"
# nanoGPT's for finetuning GPT-2 (config/finetune_shakespeare.py): more washes out what it knows.
LEARNING_RATE = 3e-5
_WANTED = (CONFIG, "*.safetensors", "vocab.json", "merges.txt", "tokenizer.json")


class Pretrained:
    """A GPT-2 on disk."""

    def __init__(self, folder: Path, name: str = "") -> None:
        """Read what it is; `name` is what the hub calls it.

        Raises:
            ConfigError: there is no GPT-2 that we can compute, or it has no safetensors.
        """
        self.folder, self.name = folder, name or folder.name
        try:
            self.config: dict[str, Any] = json.loads((folder / CONFIG).read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot start from {folder}: its {CONFIG} cannot be read ({error}); expected a "
                "folder that transformers' save_pretrained wrote"
            ) from error
        self.shape = shape_of(self.config, str(folder))
        self._files = sorted(folder.glob("*.safetensors"))
        if not self._files:
            raise ConfigError(
                f"cannot start from {folder}: it has no *.safetensors, and pickled weights "
                "(pytorch_model.bin) are not read, for they can run any program. Save them anew: "
                'GPT2LMHeadModel.from_pretrained(FOLDER).save_pretrained("OTHER FOLDER")'
            )

    @cached_property
    def digest(self) -> str:
        """What names the weights: the sha256 of their files' digests."""
        return sha256(b"".join(map(_digest, self._files))).hexdigest()

    def weights(self, shape: ModelConfig) -> Weights:
        """The weights by our names, for as many positions as the shape has."""
        found: Weights = {}
        for file in self._files:
            found |= load_weights(file)
        return from_gpt2(found, shape, str(self.folder))

    def check_speaks(self, tokenizer: Tokenizer) -> None:
        """Refuse a tokenizer with other ids than the weights were trained on.

        Raises:
            TokenizerError: its vocabulary is another one.
            CheckpointError: it has more or fewer ids.
        """
        check_same_ids(self.folder, tokenizer)
        num_ids = self.config.get("vocab_size", 50257)
        if num_ids != tokenizer.vocab_size:
            raise CheckpointError(
                f"cannot start from {self.folder}: its weights have {num_ids} ids, the tokenizer "
                f"of the shards has {tokenizer.vocab_size}"
            )

    def layers(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Settings that it brings: those that the channel may override, and those of its shape."""
        shape = self.shape.model_dump(exclude={"dropout"})
        return {"learning_rate": LEARNING_RATE}, shape

    def check_fits(self, model: ModelConfig) -> None:
        """Refuse settings of another shape; the context may be shorter.

        Raises:
            ConfigError: names the settings.
        """
        ours, theirs = model.model_dump(), self.shape.model_dump(exclude={"dropout", "block_size"})
        wrong = [f"{name} {value}" for name, value in theirs.items() if ours[name] != value]
        if model.block_size > self.shape.block_size:
            wrong.append(f"block_size {self.shape.block_size} at most")
        if wrong:
            raise ConfigError(
                f"cannot start from {self.folder}: its weights have {', '.join(wrong)}; leave "
                "these settings out, they come from the weights"
            )


def pretrained(name: str) -> Pretrained:
    """Open a folder, or fetch what the hub has under a name.

    Raises:
        ConfigError: there is neither, or it is no GPT-2 that fits.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Pretrained(folder)
    if name.startswith((".", "/", "~")):
        raise ConfigError(f"cannot start from {name}: there is no such folder")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ConfigError(
            f"cannot fetch {name}: huggingface_hub cannot be imported ({error}): "
            "pip install huggingface_hub, or give a folder, as hf:PATH"
        ) from error
    try:
        return Pretrained(Path(snapshot_download(name, allow_patterns=list(_WANTED))), name)
    except (OSError, ValueError) as error:  # all of the hub's errors are one of these
        raise ConfigError(
            f"cannot fetch {name} from the Hugging Face hub ({type(error).__name__}: {error}); "
            "try again with a network, or give a folder, as hf:PATH"
        ) from error


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
