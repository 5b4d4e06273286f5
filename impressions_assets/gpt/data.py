"""A channel's shards, opened for training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from impressions_assets.gpt.loader import TokenStream
from impressions_assets.gpt.manifest import MANIFEST, Manifest, read_manifest
from impressions_assets.gpt.shards import open_shard
from impressions_assets.gpt.unchanged import Unchanged
from impressions_assets.gpt.unigram import unigram_bits_per_byte
from impressions_assets.rows import Split


@dataclass(frozen=True)
class TrainingData:
    """Both splits as streams of tokens, and what is known of them."""

    manifest: Manifest
    digest: str  # of manifest.json
    train: TokenStream
    val: TokenStream
    train_videos: tuple[str, ...]  # the video of each document of `train`, in its order
    train_bytes: int
    val_bytes: int
    files: Unchanged = field(compare=False)

    @property
    def can_evaluate(self) -> bool:
        """Whether there is anything to predict in the validation text."""
        return len(self.val) >= 2

    def unigram_bits_per_byte(self) -> float | None:
        """The baseline on the validation text; None when there is none."""
        if not self.can_evaluate:
            return None
        vocab_size = self.manifest.vocab_size
        return unigram_bits_per_byte(self.train, self.val, vocab_size, self.val_bytes)


def open_data(shards_dir: Path, digests: Mapping[str, str] | None = None) -> TrainingData:
    """Open the shards of a folder; errors of manifest and shards as their rooms raise them.

    `digests` has the sha256 of its files, by name, where they are known.
    """
    manifest = read_manifest(shards_dir)
    return TrainingData(
        manifest=manifest,
        digest=hashlib.sha256((shards_dir / MANIFEST).read_bytes()).hexdigest(),
        train=_stream(shards_dir, manifest, "train"),
        val=_stream(shards_dir, manifest, "val"),
        train_videos=tuple(
            document.video_id
            for shard in manifest.shards
            if shard.split == "train"
            for document in shard.documents
        ),
        train_bytes=_bytes(manifest, "train"),
        val_bytes=_bytes(manifest, "val"),
        files=Unchanged((shards_dir / shard.file for shard in manifest.shards), digests or {}),
    )


def _bytes(manifest: Manifest, split: Split) -> int:
    return sum(shard.num_bytes for shard in manifest.shards if shard.split == split)


def _stream(shards_dir: Path, manifest: Manifest, split: Split) -> TokenStream:
    named = [shard for shard in manifest.shards if shard.split == split]
    shards = [open_shard(shards_dir / s.file, manifest.tokenizer) for s in named]
    befores = accumulate((shard.num_tokens for shard in named), initial=0)
    ends = [
        before + document.token_end + 1  # with its end-of-text token
        for before, shard in zip(befores, named, strict=False)
        for document in shard.documents
    ]
    return TokenStream(shards, ends)
