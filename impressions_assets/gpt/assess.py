"""The process that looks at a trained model: `python -m impressions_assets.gpt.assess assess.json`.

It measures bits per byte on the validation shards of today, which may have changed since the
training, lets the model speak, and tells how much of that is repeated or copied. Other models are
measured on the same text, those of another tokenizer too: their ids are made from its words. torch
is imported here, never where the request is written.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from impressions_assets.child import child_session, fail
from impressions_assets.errors import ImpressionsError
from impressions_assets.gpt.run import Sample

if TYPE_CHECKING:
    from impressions_assets.gpt.checkpoint import Checkpoint
    from impressions_assets.gpt.data import TrainingData
    from impressions_assets.gpt.loader import TokenStream
    from impressions_assets.gpt.tokenizer import Tokenizer


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at, and how."""

    checkpoint_dir: str
    out: str
    shards_dir: str | None = None
    tokenizer_dir: str | None = None  # of the shards
    others: dict[int, str] = {}  # checkpoints whose bits per byte are measured as well
    prompts: tuple[str, ...] = ()
    num_tokens: int = 200
    seed: int = 0
    batch_size: int = 8
    max_batches: int = 100
    device: str = "auto"

    def save(self, path: Path) -> None:
        """Write assess.json."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(self))


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    bits_per_byte: float | None = None
    unigram_bits_per_byte: float | None = None
    repetition_rate: float | None = None
    distinct_bigrams: float | None = None
    longest_copied_tokens: int | None = None
    samples: tuple[Sample, ...] = ()
    others: dict[int, float] = {}  # bits per byte

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what the process found."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def main(arguments: list[str] | None = None) -> int:
    """Assess as the file says."""
    (path,) = map(Path, sys.argv[1:] if arguments is None else arguments)
    request = msgspec.json.decode(path.read_bytes(), type=Request)
    try:
        with child_session() as child:
            found = _assess(request)
            for sample in found.samples:
                child.log(f"{sample.prompt}{sample.text}")
    except ImpressionsError as error:
        return fail(path, error)
    Path(request.out).write_bytes(msgspec.json.encode(found))
    return 0


def _assess(request: Request) -> Assessment:
    from impressions_assets.gpt.sample import Generator

    measured = request.shards_dir is not None  # loops are what is looked for then
    samples: tuple[Sample, ...] = ()
    if request.prompts:
        generator = Generator.load(Path(request.checkpoint_dir), request.device)  # type: ignore[arg-type]
        said = generator.generate_many(request.prompts, request.num_tokens, measured, request.seed)
        samples = tuple(map(Sample, request.prompts, said))
    return Assessment(samples=samples, **(_figures(request, samples) if measured else {}))


def _figures(request: Request, samples: Sequence[Sample]) -> dict[str, Any]:
    from impressions_assets.gpt.data import open_data
    from impressions_assets.gpt.originality import distinct_share, longest_copied, repetition_rate
    from impressions_assets.gpt.tokenizer import load_tokenizer

    assert request.shards_dir is not None
    assert request.tokenizer_dir is not None
    data = open_data(Path(request.shards_dir))
    tokenizer = load_tokenizer(request.tokenizer_dir)
    figures: dict[str, Any] = {}
    if data.can_evaluate:
        score = _Score(request, data, tokenizer)
        figures["bits_per_byte"] = score.of(request.checkpoint_dir)
        figures["unigram_bits_per_byte"] = data.unigram_bits_per_byte()
        figures["others"] = {name: score.of(folder) for name, folder in request.others.items()}
    if samples:
        said = [tokenizer.encode(sample.text) for sample in samples]
        figures["repetition_rate"] = repetition_rate(said)
        figures["distinct_bigrams"] = distinct_share(said)
        figures["longest_copied_tokens"] = longest_copied(said, data.train)
    return figures


class _Score:
    """Bits per byte of models on one validation text."""

    def __init__(self, request: Request, data: "TrainingData", tokenizer: "Tokenizer") -> None:
        self._request, self._data, self._tokenizer = request, data, tokenizer

    def of(self, checkpoint_dir: str) -> float:
        """Bits per byte of a checkpoint."""
        import torch

        from impressions_assets.gpt.checkpoint import Checkpoint
        from impressions_assets.gpt.device import device_of
        from impressions_assets.gpt.evaluate import Evaluator

        saved, request = Checkpoint.open(Path(checkpoint_dir)), self._request
        device = device_of(request.device)  # type: ignore[arg-type]
        evaluator = Evaluator(
            self._stream(saved),
            self._data.val_bytes,
            saved.meta.context,
            request.batch_size,
            request.max_batches,
        )
        loss = evaluator.loss(saved.model().to(device), device, torch.float32)
        return evaluator.bits_per_byte(loss)

    def _stream(self, saved: "Checkpoint") -> "TokenStream":
        """The validation text in the ids of a checkpoint."""
        from impressions_assets.gpt.loader import TokenStream
        from impressions_assets.gpt.shards import read_documents
        from impressions_assets.gpt.tokenizer import load_tokenizer

        manifest = self._data.manifest
        if saved.meta.tokenizer == manifest.tokenizer:
            return self._data.val
        theirs = load_tokenizer(saved.tokenizer_dir)
        val = tuple(shard for shard in manifest.shards if shard.split == "val")
        held_out = msgspec.structs.replace(manifest, shards=val)
        assert self._request.shards_dir is not None
        texts = read_documents(Path(self._request.shards_dir), held_out, self._tokenizer)
        ids = [np.append(theirs.encode_array(text), theirs.end_of_text) for _, text in texts]
        return TokenStream(ids)


if __name__ == "__main__":
    sys.exit(main())
