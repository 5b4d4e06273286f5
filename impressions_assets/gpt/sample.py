"""Speaking with a trained model: text that follows a prompt, piece by piece.

Keys and values of what was said are cached; when the context is full, the newest three quarters of
it are read again and generation goes on, so a text may be longer than the context.
"""

import codecs
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypedDict, Unpack

import torch
from torch import Tensor

from impressions_assets.errors import CheckpointError, ConfigError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.config import Device
from impressions_assets.gpt.device import device_of
from impressions_assets.gpt.model import GPT, Cache
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer

_LONGEST_LOOP = 64  # tokens


class Sampling(TypedDict, total=False):
    """How the next token is chosen from the model's probabilities."""

    temperature: float  # 0.8; 0 always takes the likeliest token
    top_k: int | None  # only so many tokens, the likeliest
    top_p: float | None  # only the fewest tokens that have this probability together
    min_p: float | None  # only tokens with this share of the likeliest one's probability
    seed: int | None  # the same gives the same text; None gives a new one each time
    repetition_penalty: float  # 1; above, what was said becomes rarer


class Generator:
    """A model and its tokenizer, ready to speak."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, context: int) -> None:
        self._model, self._tokenizer = model.eval(), tokenizer
        self._context = min(context, model.config.block_size)

    @classmethod
    def load(cls, checkpoint_dir: Path, device: Device = "auto") -> Self:
        """Load a checkpoint; raises `CheckpointError` when it is not whole."""
        checkpoint = Checkpoint.open(checkpoint_dir)
        meta = checkpoint.meta
        tokenizer = load_tokenizer(checkpoint.tokenizer_dir)
        if tokenizer.digest != meta.tokenizer:
            raise CheckpointError(
                f"{checkpoint.tokenizer_dir} is not the tokenizer that {checkpoint.folder} was "
                "trained with; use another checkpoint"
            )
        return cls(checkpoint.model().to(device_of(device)), tokenizer, meta.context)

    def generate(
        self, prompt: str = "", tokens: int = 200, may_loop: bool = False, **how: Unpack[Sampling]
    ) -> str:
        """What follows the prompt, as one text; see `stream`."""
        return "".join(self.stream(prompt, tokens, may_loop, **how))

    def stream(
        self, prompt: str = "", tokens: int = 200, may_loop: bool = False, **how: Unpack[Sampling]
    ) -> Iterator[str]:
        """What follows the prompt, in pieces of whole characters.

        Ends after so many tokens, when the model ends its text, or when it says the same again and
        again, unless it `may_loop`. Raises `ConfigError` at once for a value that makes no sense.
        """
        chooser = Chooser(**how)
        ids = self._tokenizer.encode(prompt) or [self._tokenizer.end_of_text]
        return self._stream(ids, tokens, chooser, may_loop)

    def _stream(
        self, ids: list[int], num_tokens: int, chooser: "Chooser", may_loop: bool = False
    ) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        cache, num_given = Cache(self._model), len(ids)
        logits_V = self._read(ids[-self._context :], cache)
        for _ in range(num_tokens):
            token = chooser.choose(logits_V, ids[-self._context :])
            if token == self._tokenizer.end_of_text:
                return
            ids.append(token)
            # a character may take several tokens: the decoder waits for all of its bytes
            if text := decoder.decode(self._tokenizer.token_bytes(token)):
                yield text
            if not may_loop and is_loop(ids, num_given):
                return
            if cache.length < self._context:
                logits_V = self._read([token], cache)
            else:
                cache = Cache(self._model)
                logits_V = self._read(ids[-max(1, self._context * 3 // 4) :], cache)

    @torch.inference_mode()
    def _read(self, ids: list[int], cache: Cache) -> Tensor:
        device = self._model.token_embedding.weight.device
        return self._model.next_logits(torch.tensor([ids], device=device), cache)[0].cpu()


class Chooser:
    """Picks the next token from the logits."""

    def __init__(
        self,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        repetition_penalty: float = 1.0,
    ) -> None:
        _require(temperature >= 0, f"temperature {temperature}", "0 or more")
        _require(top_k is None or top_k >= 1, f"top_k {top_k}", "1 or more")
        _require(top_p is None or 0 < top_p <= 1, f"top_p {top_p}", "above 0 and at most 1")
        _require(min_p is None or 0 <= min_p <= 1, f"min_p {min_p}", "from 0 to 1")
        _require(repetition_penalty > 0, f"repetition_penalty {repetition_penalty}", "above 0")
        self._temperature, self._top_k, self._top_p = temperature, top_k, top_p
        self._min_p, self._penalty = min_p, repetition_penalty
        self._random = torch.Generator()
        if seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(seed)

    def choose(self, logits_V: Tensor, recent: list[int]) -> int:
        """The next token; `recent` are those whose repetition is penalized."""
        logits_V = self._penalized(logits_V, recent)
        if self._temperature == 0:
            return int(logits_V.argmax())
        logits_V = self._likely(self._likeliest(logits_V / self._temperature))
        logits_V = self._nucleus(logits_V)
        return int(torch.multinomial(logits_V.softmax(0), 1, generator=self._random))

    def _penalized(self, logits_V: Tensor, recent: list[int]) -> Tensor:
        """CTRL's penalty (Keskar et al. 2019, section 4.1)."""
        if self._penalty == 1:
            return logits_V
        seen = torch.tensor(sorted(set(recent)))
        said = logits_V[seen]
        logits_V = logits_V.clone()
        logits_V[seen] = torch.where(said > 0, said / self._penalty, said * self._penalty)
        return logits_V

    def _likeliest(self, logits_V: Tensor) -> Tensor:
        if self._top_k is None or self._top_k >= len(logits_V):
            return logits_V
        lowest = logits_V.topk(self._top_k).values[-1]
        return logits_V.masked_fill(logits_V < lowest, -torch.inf)

    def _likely(self, logits_V: Tensor) -> Tensor:
        """Keep what is at least min_p as probable as the likeliest (Nguyen et al. 2024)."""
        if not self._min_p:
            return logits_V
        return logits_V.masked_fill(logits_V < logits_V.max() + math.log(self._min_p), -torch.inf)

    def _nucleus(self, logits_V: Tensor) -> Tensor:
        """Keep the fewest tokens whose probabilities reach top_p (Holtzman et al. 2019)."""
        if self._top_p is None or self._top_p == 1:
            return logits_V
        sorted_V, order_V = logits_V.sort(descending=True)
        probabilities_V = sorted_V.softmax(0)
        before_V = probabilities_V.cumsum(0) - probabilities_V
        return logits_V.index_fill(0, order_V[before_V >= self._top_p], -torch.inf)


def is_loop(ids: Sequence[int], start: int) -> bool:
    """Whether the ids from `start` end in one span that was said again and again.

    That is four times at least and 32 tokens in all: talk repeats words, and short spans often.
    """
    for size in range(1, min(_LONGEST_LOOP, (len(ids) - start) // 4) + 1):
        length = size * max(4, -(-32 // size))
        if length <= len(ids) - start and ids[-length:-size] == ids[size - length :]:
            return True
    return False


def _require(fine: bool, given: str, allowed: str) -> None:
    if not fine:
        raise ConfigError(f"cannot generate with {given}: it must be {allowed}")
