"""Speaking with a trained model: text that follows a prompt, piece by piece.

One engine serves `generate`, the samples of a training, `samples` and `evaluation`: several texts
at once, each with its own end and its own random numbers.
"""

import codecs
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Self, Unpack

import torch

from impressions_assets.errors import CheckpointError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.choose import Chooser, Sampling
from impressions_assets.gpt.config import Device, DType
from impressions_assets.gpt.decode import Decoder
from impressions_assets.gpt.device import device_of, dtype_of
from impressions_assets.gpt.layout import laid_out
from impressions_assets.gpt.model import GPT
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer

_LONGEST_LOOP = 64  # tokens
_AT_ONCE = 16  # texts: as many keys and values stay in memory


class Generator:
    """A model and its tokenizer, ready to speak."""

    def __init__(
        self,
        model: GPT,
        tokenizer: Tokenizer,
        context: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Take the model over: its weights are laid out for speaking, rounded to `dtype`."""
        self._model, self._tokenizer = laid_out(model.eval(), dtype), tokenizer
        self._context = min(context, model.config.block_size)

    @classmethod
    def load(cls, checkpoint_dir: Path, device: Device = "auto", dtype: DType = "auto") -> Self:
        """Load a checkpoint; raises `CheckpointError` when it is not whole."""
        checkpoint = Checkpoint.open(checkpoint_dir)
        meta = checkpoint.meta
        tokenizer = load_tokenizer(checkpoint.tokenizer_dir)
        if tokenizer.digest != meta.tokenizer:
            raise CheckpointError(
                f"{checkpoint.tokenizer_dir} is not the tokenizer that {checkpoint.folder} was "
                "trained with; use another checkpoint"
            )
        place = device_of(device)
        model = checkpoint.model().to(place)
        return cls(model, tokenizer, meta.context, dtype_of(dtype, place))

    def generate(
        self,
        prompt: str = "",
        tokens: int = 200,
        may_loop: bool = False,
        seed: int | None = None,
        **how: Unpack[Sampling],
    ) -> str:
        """What follows the prompt, as one text; see `stream`."""
        return "".join(self.stream(prompt, tokens, may_loop, seed, **how))

    def generate_many(
        self,
        prompts: Sequence[str],
        tokens: int = 200,
        may_loop: bool = False,
        seed: int | None = None,
        **how: Unpack[Sampling],
    ) -> list[str]:
        """What follows each prompt; to prompt n, what it says alone with `seed + n`."""
        said: list[list[str]] = [[] for _ in prompts]
        starts = list(map(self._start, prompts))
        for number, piece in self._speak(starts, tokens, Chooser(**how), may_loop, seed):
            said[number].append(piece)
        return list(map("".join, said))

    def stream(
        self,
        prompt: str = "",
        tokens: int = 200,
        may_loop: bool = False,
        seed: int | None = None,
        **how: Unpack[Sampling],
    ) -> Iterator[str]:
        """What follows the prompt, in pieces of whole characters.

        Ends after so many tokens, when the model ends its text, or when it says the same again and
        again, unless it `may_loop`. The same seed gives the same text; None gives a new one each
        time. Raises `ConfigError` at once for a value that makes no sense.
        """
        chooser = Chooser(**how)
        spoken = self._speak([self._start(prompt)], tokens, chooser, may_loop, seed)
        return (piece for _, piece in spoken)

    def _start(self, prompt: str) -> list[int]:
        return self._tokenizer.encode(prompt) or [self._tokenizer.end_of_text]

    def _speak(
        self,
        starts: Sequence[list[int]],
        num_tokens: int,
        chooser: Chooser,
        may_loop: bool = False,
        seed: int | None = None,
    ) -> Iterator[tuple[int, str]]:
        """Pieces of text, each with the number of the start that it follows."""
        if not starts or num_tokens < 1:
            return
        seeds = (seed if seed is None else seed + number for number in range(len(starts)))
        waiting = (
            _Text(number, ids, num_tokens, may_loop, Random(own))  # noqa: S311 - no secret
            for number, (ids, own) in enumerate(zip(starts, seeds, strict=True))
        )
        texts = list(islice(waiting, _AT_ONCE))
        decoder = Decoder(self._model, self._context, len(texts), num_tokens)
        for place, text in enumerate(texts):
            decoder.read(place, text.ids)
        while not all(text.has_ended for text in texts):
            logits_BV = decoder.step([text.ids for text in texts])
            recent = [text.ids[-self._context :] for text in texts]
            tokens = chooser.choose(logits_BV, recent, [text.random for text in texts])
            for text, token in zip(texts, tokens, strict=True):
                if not text.has_ended and (piece := text.take(token, self._tokenizer)):
                    yield text.number, piece
            for place, text in enumerate(texts):
                if text.has_ended and (following := next(waiting, None)):
                    texts[place] = following
                    decoder.read(place, following.ids)


class _Text:
    """What is being said: where it began, and whether it has ended."""

    def __init__(
        self, number: int, ids: list[int], num_tokens: int, may_loop: bool, random: Random
    ) -> None:
        self.number, self.ids, self.random, self.has_ended = number, ids, random, False
        self._num_given, self._num_tokens, self._may_loop = len(ids), num_tokens, may_loop
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, token: int, tokenizer: Tokenizer) -> str:
        """Go on with a token; the characters that are whole now."""
        if token == tokenizer.end_of_text:
            self.has_ended = True
            return ""
        self.ids.append(token)
        self.has_ended = len(self.ids) - self._num_given >= self._num_tokens or (
            not self._may_loop and is_loop(self.ids, self._num_given)
        )
        # a character may take several tokens: the decoder waits for all of its bytes
        return self._decoder.decode(tokenizer.token_bytes(token))


def is_loop(ids: Sequence[int], start: int) -> bool:
    """Whether the ids from `start` end in one span that was said again and again.

    That is four times at least and 32 tokens in all: talk repeats words, and short spans often.
    """
    for size in range(1, min(_LONGEST_LOOP, (len(ids) - start) // 4) + 1):
        if ids[-1] != ids[-1 - size]:
            continue
        length = size * max(4, -(-32 // size))
        if length <= len(ids) - start and ids[-length:-size] == ids[size - length :]:
            return True
    return False
