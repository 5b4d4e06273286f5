"""A model that reads on: several texts at once, a token of each in one pass.

Notable choices:
- A text is read alone, all but its last token; then all texts take each step together, whatever
  their lengths. A place whose text has ended takes the next one, while the others go on.
- When the context is full, the newest three quarters of it are read again, so a text may be longer
  than the context.
- On CUDA a step is recorded once as a CUDA graph, when there are enough tokens to pay for it, and
  replayed: at one text, launching the kernels takes longer than running them.
"""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from impressions_assets.gpt.cache import Cache, Reading, Step
from impressions_assets.gpt.device import autocast
from impressions_assets.gpt.model import GPT

_WORTH_RECORDING = 64  # tokens; recording takes as long as some tens of steps

Pass = Callable[[Tensor], Tensor]


class Decoder:
    """A model with places for so many texts."""

    def __init__(
        self, model: GPT, context: int, num_places: int, num_tokens: int, same_shape: bool = False
    ) -> None:
        """Make room for the texts.

        Args:
            model: who reads.
            context: how many tokens it may look back.
            num_places: how many texts at once.
            num_tokens: about how many steps there will be.
            same_shape: let every step look at all of the cache; CUDA does so by itself.
        """
        self._model, self._context = model, context
        self._cache = Cache(model, num_places)
        weight = model.token_embedding.weight
        self._device, self._dtype = weight.device, weight.dtype
        self._is_recorded = self._device.type == "cuda" and num_tokens >= _WORTH_RECORDING
        self._same_shape = same_shape or self._is_recorded
        self._pass: Pass | None = None

    @torch.inference_mode()
    def read(self, place: int, ids: Sequence[int]) -> None:
        """Begin a text in a place, but for its last token, which is read by the next step."""
        known = list(ids[-self._context : -1])
        if known:
            with autocast(self._device, self._dtype):
                ids_1T = torch.tensor([known], device=self._device)
                self._model.hidden(ids_1T, Reading(self._cache, place, len(known)))
        self._cache.set_length(place, len(known))

    @torch.inference_mode()
    def step(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """Read the last token of each text; the logits of the next ones, (B, V)."""
        for place, ids in enumerate(texts):
            if self._cache.lengths[place] >= self._context:
                self.read(place, ids[-max(1, self._context * 3 // 4) :])
        ids_B1 = torch.tensor([[ids[-1]] for ids in texts], device=self._device)
        if self._pass is None:
            self._pass = self._recorded(ids_B1) if self._is_recorded else self._forward
        logits_BV = self._pass(ids_B1)
        self._cache.advance()
        return logits_BV

    def _forward(self, ids_B1: Tensor) -> Tensor:
        with autocast(self._device, self._dtype):
            return self._model.next_logits(ids_B1, Step(self._cache, self._same_shape))

    def _recorded(self, ids_B1: Tensor) -> Pass:
        try:
            return Recording(self._forward, ids_B1)
        except RuntimeError as error:
            warnings.warn(f"a step cannot be recorded as a CUDA graph: {error}", stacklevel=2)
            return self._forward


class Recording:
    """A pass through the model as a CUDA graph: its inputs and outputs stay where they are."""

    def __init__(self, forward: Pass, ids_B1: Tensor) -> None:
        """Record; a pass may be repeated, for it writes the same values to the same places."""
        self._ids_B1 = ids_B1.clone()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # kernels are chosen and memory is found before
            for _ in range(3):
                forward(self._ids_B1)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._logits_BV = forward(self._ids_B1)

    def __call__(self, ids_B1: Tensor) -> Tensor:
        """Replay it with other tokens; the next call overwrites what this one gives."""
        self._ids_B1.copy_(ids_B1)
        self._graph.replay()
        return self._logits_BV
