"""The configuration of a model of the recipe `modern`, for transformers.

This file lies beside the weights, and stands alone: https://huggingface.co/docs/transformers/custom_models
"""

from typing import Any

from transformers import PretrainedConfig


class ImpressionsConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """The shape of the model."""

    model_type = "impressions"
    attribute_map = {  # noqa: RUF012 - as transformers wants it
        "hidden_size": "n_embd",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "block_size",
    }

    def __init__(
        self,
        vocab_size: int = 8192,
        n_layer: int = 6,
        n_head: int = 6,
        n_embd: int = 384,
        block_size: int = 256,
        rope_base: float = 10_000.0,
        logit_cap: float = 15.0,
        tie_word_embeddings: bool = False,
        **others: Any,
    ) -> None:
        self.vocab_size, self.n_layer, self.n_head = vocab_size, n_layer, n_head
        self.n_embd, self.block_size = n_embd, block_size
        self.rope_base, self.logit_cap = rope_base, logit_cap
        others["tie_word_embeddings"] = tie_word_embeddings
        super().__init__(**others)
