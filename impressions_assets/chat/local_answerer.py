"""An `Answerer` in this process: a model in a folder of transformers, one token after the other.

Notable choices:
- The loop is our own, not `generate` in a thread: closing the iterator ends it at once, so that a
  client that goes away leaves no thread computing for nobody.
- Nothing is kept between calls but the weights, so that several threads may ask at once.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self

import torch
from tokenizers.decoders import DecodeStream
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils.logging import disable_progress_bar

from impressions_assets.chat.answerer import Message, Sampling
from impressions_assets.chat.prompts import prompt_ids
from impressions_assets.errors import CheckpointError, ConfigError, PromptTooLong
from impressions_assets.gpt.choose import Chooser
from impressions_assets.gpt.config import Device, DType
from impressions_assets.gpt.device import device_of, dtype_of
from impressions_assets.gpt.sample import is_loop
from impressions_assets.gpt.transformers_models import register_ours

# Below, threads that wait for each other cost more than they save: 60 tokens of 1.3 million
# parameters took 0.4 s of CPU with one thread and 2.5 with two, 1.8 and 9.4 s on two busy cores.
_OF_ONE_THREAD = 30_000_000
_BESIDES = 1.2  # times the weights: what a device holds with the tokens of a conversation
_UNKNOWN_CONTEXT = 2048  # of a model that says nothing of it


class LocalAnswerer:
    """A causal language model and its tokenizer, ready to answer."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self._model, self._tokenizer = name, model.eval(), tokenizer
        self.context = context_of(model.config)
        self._ends = ends_of(model, tokenizer)

    @classmethod
    def load(
        cls, folder: Path, name: str = "", device: Device = "auto", dtype: DType = "auto"
    ) -> Self:
        """Load a folder that `save_pretrained` wrote; no pickled weights, and no code of others.

        Raises:
            CheckpointError: the folder is not whole.
        """
        register_ours()
        disable_progress_bar()  # type: ignore[no-untyped-call]
        load: Any = partial(
            AutoModelForCausalLM.from_pretrained,
            folder,
            use_safetensors=True,
            trust_remote_code=False,
        )
        try:
            model = placed(load, size_bytes_of(folder), device, dtype)
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"cannot load the model in {folder}: {error}") from error
        if model.device.type == "cpu" and model.num_parameters() < _OF_ONE_THREAD:
            torch.set_num_threads(1)
        return cls(name or folder.name, model, tokenizer)

    def stream(self, messages: Sequence[Message], settings: Sampling) -> Iterator[str]:
        """The answer to a conversation; see `Answerer`."""
        return self.after(prompt_ids(self._tokenizer, messages), settings)

    def complete(self, text: str, settings: Sampling) -> Iterator[str]:
        """What follows a text; see `Answerer`."""
        return self.after(self._tokenizer(text)["input_ids"], settings)

    def room(self, messages: Sequence[Message]) -> int:
        """Tokens that are left for the answer to a conversation; 0 and less for none."""
        return self.context - len(prompt_ids(self._tokenizer, messages))

    def num_tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def after(self, prompt: list[int], settings: Sampling) -> Iterator[str]:
        """What follows some tokens: checked at once, and spoken when asked for the pieces."""
        room = self.context - len(prompt)
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {len(prompt)} tokens, and {self.name} holds {self.context} with "
                "the answer: ask something shorter, or take fewer passages along"
            )
        if settings.max_tokens < 1:
            raise ConfigError(f"cannot answer in {settings.max_tokens} tokens: 1 is the least")
        chooser = Chooser(temperature=settings.temperature, top_p=settings.top_p)
        tokens = self._tokens(prompt, min(room, settings.max_tokens), chooser, settings)
        return until_stopped(self._pieces(tokens), settings.stop)

    def _pieces(self, tokens: Iterator[int]) -> Iterator[str]:
        decoder = DecodeStream(skip_special_tokens=True)
        backend, begun = self._tokenizer.backend_tokenizer, False
        for token in tokens:
            piece = decoder.step(backend, token) or ""
            if not begun:
                piece = piece.lstrip()
            if piece:
                begun = True
                yield piece

    def _tokens(
        self, prompt: list[int], most: int, chooser: Chooser, settings: Sampling
    ) -> Iterator[int]:
        random = Random(settings.seed)  # noqa: S311 - no secret
        # Without prompt there is nothing to go on from but where a text begins.
        said = list(prompt) or [min(self._ends)]
        start, cache = len(said), DynamicCache(config=self._model.config)
        new = said
        for _ in range(most):
            (token,) = chooser.choose(self._logits(new, cache), [said], [random])
            if token in self._ends:
                return
            said.append(token)
            new = [token]
            if settings.tally is not None:
                settings.tally.num_tokens += 1
            yield token
            if not settings.may_loop and is_loop(said, start):
                return
        if settings.tally is not None:
            settings.tally.is_cut = True

    @torch.inference_mode()
    def _logits(self, ids: list[int], cache: Any) -> Tensor:
        tokens = torch.tensor([ids], device=self._model.device)
        made = self._model(
            input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1
        )
        last: Tensor = made.logits[:, -1].float()
        return last


def until_stopped(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """The pieces up to the first of some texts; what may be the beginning of one waits."""
    if not any(stop):
        yield from pieces
        return
    longest, held = max(map(len, stop)), ""
    for piece in pieces:
        held += piece
        found = [place for text in stop if text and (place := held.find(text)) >= 0]
        if found:
            yield held[: min(found)]
            return
        safe = len(held) - longest + 1
        if safe > 0:
            yield held[:safe]
            held = held[safe:]
    yield held


def placed(
    load: Callable[..., Any], size_bytes: int, device: Device = "auto", dtype: DType = "auto"
) -> Any:
    """Load a model onto a device; onto all, and into memory, where a CUDA device has no room.

    Args:
        load: takes the options of transformers' `from_pretrained`.
        size_bytes: of the weights.
        device: where it answers.
        dtype: the type of its arithmetic.
    """
    place = device_of(device)
    options: dict[str, Any] = {"dtype": dtype_of(dtype, place)}
    if place.type == "cuda" and size_bytes * _BESIDES > torch.cuda.mem_get_info()[0]:
        return load(device_map="auto", **options)
    return load(**options).to(place)


def size_bytes_of(folder: Path) -> int:
    """What the weights in a folder of transformers take."""
    files = (path for kind in ("*.safetensors", "*.bin") for path in folder.glob(kind))
    return sum(path.stat().st_size for path in files)


def context_of(config: Any) -> int:
    """Tokens that a model of transformers holds, by the names that its kinds have for that."""
    names = ("max_position_embeddings", "n_positions", "block_size")
    found = (getattr(config, name, None) for name in names)
    return int(next(filter(None, found), _UNKNOWN_CONTEXT))


def ends_of(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer."""
    of_model = model.generation_config.eos_token_id if model.generation_config else None
    ids = of_model if isinstance(of_model, list) else [of_model]
    return {token for token in (*ids, tokenizer.eos_token_id) if token is not None}
