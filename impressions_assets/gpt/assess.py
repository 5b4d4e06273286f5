"""The process that looks at a trained model: `python -m impressions_assets.gpt.assess assess.json`.

It measures bits per byte on the validation shards of today, which may have changed since the
training, and lets the model speak. torch is imported here, never where the request is written.
"""

import sys
from pathlib import Path
from typing import Self

import msgspec

from impressions_assets.child import child_session, fail
from impressions_assets.errors import ImpressionsError, TokenizerError
from impressions_assets.gpt.run import Sample


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

    folder = Path(request.checkpoint_dir)
    generator = Generator.load(folder, request.device)  # type: ignore[arg-type]
    samples = tuple(
        Sample(prompt, generator.generate(prompt, request.num_tokens, seed=request.seed + number))
        for number, prompt in enumerate(request.prompts)
    )
    if request.shards_dir is None:
        return Assessment(samples=samples)
    bits, unigram = _bits_per_byte(folder, Path(request.shards_dir), request.device)
    return Assessment(bits_per_byte=bits, unigram_bits_per_byte=unigram, samples=samples)


def _bits_per_byte(
    checkpoint_dir: Path, shards_dir: Path, device_name: str
) -> tuple[float | None, float | None]:
    import torch

    from impressions_assets.gpt.checkpoint import Checkpoint
    from impressions_assets.gpt.data import open_data
    from impressions_assets.gpt.device import device_of
    from impressions_assets.gpt.evaluate import Evaluator

    data = open_data(shards_dir)
    saved = Checkpoint.open(checkpoint_dir)
    if saved.meta.tokenizer != data.manifest.tokenizer:
        raise TokenizerError(
            f"cannot evaluate {checkpoint_dir} on {shards_dir}: they have different tokenizers. "
            "Train on the shards of today: materialize `checkpoint`"
        )
    if not data.can_evaluate:
        return None, None
    device = device_of(device_name)  # type: ignore[arg-type]
    evaluator = Evaluator(data.val, data.val_bytes, saved.meta.context, 8, 100)
    loss = evaluator.loss(saved.model().to(device), device, torch.float32)
    return evaluator.bits_per_byte(loss), data.unigram_bits_per_byte()


if __name__ == "__main__":
    sys.exit(main())
