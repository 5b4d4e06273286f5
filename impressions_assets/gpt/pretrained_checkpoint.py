"""Weights that others trained, as a checkpoint from which a training can start."""

from pathlib import Path

import torch
from torch import Tensor

from impressions_assets.gpt.checkpoint import Checkpoint, untrained_meta
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.pretrained import Pretrained
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer
from impressions_assets.gpt.transformers_folder import CONFIG


def opened(folder: Path, run: TrainingRun) -> Checkpoint:
    """A checkpoint of ours, or a GPT-2 of transformers as one.

    Raises:
        CheckpointError: it is not whole, or has not the weights of a GPT-2.
        ConfigError: its shape is another one than the run's.
        TokenizerError: its ids are others.
    """
    if not (folder / CONFIG).is_file():
        return Checkpoint.open(folder)
    theirs, tokenizer = Pretrained(folder), load_tokenizer(run.tokenizer_dir)
    theirs.check_fits(run.model)
    theirs.check_speaks(tokenizer)
    return PretrainedCheckpoint(theirs, tokenizer, run.model)


class PretrainedCheckpoint(Checkpoint):
    """A GPT-2 of transformers, told as a checkpoint tells it."""

    def __init__(self, theirs: Pretrained, tokenizer: Tokenizer, shape: ModelConfig) -> None:
        self._theirs = theirs
        super().__init__(theirs.folder, untrained_meta(shape, tokenizer))

    @property
    def weights_digest(self) -> str:
        """What names the weights."""
        return self._theirs.digest

    def model_tensors(self) -> dict[str, Tensor]:
        """The weights, on the CPU."""
        weights = self._theirs.weights(self.model_config)
        return {name: torch.from_numpy(array) for name, array in weights.items()}
