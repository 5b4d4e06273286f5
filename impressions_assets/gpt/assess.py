"""The process that looks at a trained model: `python -m impressions_assets.gpt.assess assess.json`.

It measures bits per byte on the validation shards of today, which may have changed since the
training, lets the model speak, and tells how much of that is repeated or copied. torch is imported
here, never where the request is written.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from impressions_assets.child import child_session, fail
from impressions_assets.errors import ImpressionsError, TokenizerError
from impressions_assets.gpt.run import Sample

if TYPE_CHECKING:
    from impressions_assets.gpt.checkpoint import Checkpoint
    from impressions_assets.gpt.data import TrainingData


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at, and how."""

    checkpoint_dir: str
    out: str
    shards_dir: str | None = None
    prompts: tuple[str, ...] = ()
    num_tokens: int = 200
    seed: int = 0
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

    generator = Generator.load(Path(request.checkpoint_dir), request.device)  # type: ignore[arg-type]
    measured = request.shards_dir is not None  # loops are what is looked for then
    said = generator.generate_many(request.prompts, request.num_tokens, measured, request.seed)
    samples = tuple(map(Sample, request.prompts, said))
    return Assessment(samples=samples, **(_figures(request, samples) if measured else {}))


def _figures(request: Request, samples: Sequence[Sample]) -> dict[str, Any]:
    from impressions_assets.gpt.checkpoint import Checkpoint
    from impressions_assets.gpt.data import open_data
    from impressions_assets.gpt.originality import distinct_share, longest_copied, repetition_rate
    from impressions_assets.gpt.tokenizer import load_tokenizer

    assert request.shards_dir is not None
    data = open_data(Path(request.shards_dir))
    saved = Checkpoint.open(Path(request.checkpoint_dir))
    if saved.meta.tokenizer != data.manifest.tokenizer:
        raise TokenizerError(
            f"cannot evaluate {request.checkpoint_dir} on {request.shards_dir}: they have "
            "different tokenizers. Train on the shards of today: materialize `checkpoint`"
        )
    figures = _bits_per_byte(saved, data, request.device) if data.can_evaluate else {}
    if samples:
        tokenizer = load_tokenizer(saved.tokenizer_dir)
        said = [tokenizer.encode(sample.text) for sample in samples]
        figures["repetition_rate"] = repetition_rate(said)
        figures["distinct_bigrams"] = distinct_share(said)
        figures["longest_copied_tokens"] = longest_copied(said, data.train)
    return figures


def _bits_per_byte(saved: "Checkpoint", data: "TrainingData", device_name: str) -> dict[str, Any]:
    import torch

    from impressions_assets.gpt.device import device_of
    from impressions_assets.gpt.evaluate import Evaluator

    device = device_of(device_name)  # type: ignore[arg-type]
    evaluator = Evaluator(data.val, data.val_bytes, saved.meta.context, 8, 100)
    loss = evaluator.loss(saved.model().to(device), device, torch.float32)
    return {
        "bits_per_byte": evaluator.bits_per_byte(loss),
        "unigram_bits_per_byte": data.unigram_bits_per_byte(),
    }


if __name__ == "__main__":
    sys.exit(main())
