"""A model of the recipe `modern`, for transformers: loaded with `trust_remote_code=True`.

RMSNorm without gains, rotary positions, normed queries and keys, ReLU², soft-capped logits on top
of the training text's frequencies; no biases. This file lies beside the weights, and stands alone:
https://huggingface.co/docs/transformers/custom_models

Shapes: B batch, T tokens, C n_embd, H n_head, D = C/H, S all tokens so far.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own habit
from transformers import DynamicCache, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from .configuration_impressions import ImpressionsConfig


class ImpressionsForCausalLM(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """A decoder-only transformer that predicts the next token."""

    config_class = ImpressionsConfig
    base_model_prefix = ""
    _no_split_modules = ["Block"]  # noqa: RUF012 - as transformers wants it

    def __init__(self, config: ImpressionsConfig) -> None:
        super().__init__(config)
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        if not config.tie_word_embeddings:
            self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.register_buffer("prior_V", torch.zeros(config.vocab_size))
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """The table of token embeddings."""
        return self.token_embedding

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Put another table in its place."""
        self.token_embedding = cast(nn.Embedding, value)

    def get_output_embeddings(self) -> nn.Module | None:
        """The head, where it is another matrix."""
        return getattr(self, "head", None)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        num_items_in_batch: Any = None,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits of the next tokens, (B, T, V), and a loss when there are labels."""
        if past_key_values is None and use_cache:
            past_key_values = DynamicCache(config=self.config)
        num_known = past_key_values.get_seq_length() if past_key_values is not None else 0
        num_new = input_ids.shape[1]
        seen_BS = _seen(attention_mask, input_ids, num_known)
        if position_ids is None:
            position_ids = (seen_BS.cumsum(1) - 1).clamp(min=0)[:, -num_new:]
        rotation_2B1TD = self._rotation(position_ids)
        causal_TS = torch.ones_like(seen_BS[0].expand(num_new, -1)).tril(num_known)
        # Padding before the text sees itself: a row that sees nothing would be NaN.
        mask_B1TS = (causal_TS & seen_BS[:, None] | causal_TS.triu(num_known)).bool()[:, None]
        x_BTC = _norm(self.token_embedding(input_ids))
        for block in self.blocks:
            x_BTC = block(x_BTC, rotation_2B1TD, mask_B1TS, past_key_values)
        logits = self._logits(_norm(x_BTC)[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            # Of all micro-batches of a step, the trainer says how many labels there are.
            mean = num_items_in_batch is None
            loss = F.cross_entropy(
                logits[:, :-1].flatten(0, 1),
                labels[:, 1:].flatten(),
                reduction="mean" if mean else "sum",
            )
            loss = loss if mean else loss / num_items_in_batch
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)

    def _logits(self, x_BTC: Tensor) -> Tensor:
        head = self.token_embedding if self.config.tie_word_embeddings else self.head
        logits = F.linear(x_BTC, head.weight).float()
        cap: float = self.config.logit_cap
        return cap * torch.tanh(logits / cap) + cast(Tensor, self.prior_V)

    def _rotation(self, position_ids: Tensor) -> Tensor:
        """Cosines and sines for each position, (2, B, 1, T, D)."""
        size = self.config.n_embd // self.config.n_head
        evens = torch.arange(0, size, 2, device=position_ids.device)
        rates = self.config.rope_base ** -(evens / size)
        angles_BTD = (position_ids[..., None] * rates).repeat(1, 1, 2)
        return torch.stack([angles_BTD.cos(), angles_BTD.sin()])[:, :, None]


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config: ImpressionsConfig, layer: int) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(config, layer), MLP(config)

    def forward(self, x_BTC: Tensor, rotation: Tensor, mask: Tensor, past: Any) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x_BTC = x_BTC + self.attention(_norm(x_BTC), rotation, mask, past)
        return cast(Tensor, x_BTC + self.mlp(_norm(x_BTC)))


class Attention(nn.Module):
    """Causal self-attention with several heads, rotated by position."""

    def __init__(self, config: ImpressionsConfig, layer: int) -> None:
        super().__init__()
        self.n_head, self.layer = config.n_head, layer
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=False)

    def forward(self, x_BTC: Tensor, rotation: Tensor, mask: Tensor, past: Any) -> Tensor:
        """(B, T, C) to (B, T, C); `past` remembers the keys and values of the tokens before."""
        qkv_BTHD = self.qkv(x_BTC).unflatten(2, (3 * self.n_head, -1))
        q_BHTD, k_BHTD, v_BHTD = qkv_BTHD.transpose(1, 2).chunk(3, dim=1)
        q_BHTD, k_BHTD = (_norm(_rotated(part, rotation)) for part in (q_BHTD, k_BHTD))
        if past is not None:
            k_BHTD, v_BHTD = past.update(k_BHTD, v_BHTD, self.layer)
        y_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, attn_mask=mask)
        return cast(Tensor, self.projection(y_BHTD.transpose(1, 2).flatten(2)))


class MLP(nn.Module):
    """Two linear layers around a squared ReLU."""

    def __init__(self, config: ImpressionsConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.projection = nn.Linear(4 * config.n_embd, config.n_embd, bias=False)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        return cast(Tensor, self.projection(F.relu(self.expand(x_BTC)).square()))


def _norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))


def _rotated(x_BHTD: Tensor, rotation_2B1TD: Tensor) -> Tensor:
    cos, sin = rotation_2B1TD.type_as(x_BHTD)
    first, second = x_BHTD.chunk(2, dim=3)
    turned_BHTD: Tensor = x_BHTD * cos + torch.cat([-second, first], dim=3) * sin
    return turned_BHTD


def _seen(attention_mask: Tensor | None, input_ids: Tensor, num_known: int) -> Tensor:
    """Which tokens so far are text and no padding, (B, S)."""
    if attention_mask is not None:
        return attention_mask.long()
    return input_ids.new_ones(len(input_ids), num_known + input_ids.shape[1])
