"""The `token_shards` asset: the documents as token ids, and the way from a token to its second."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.channels.stages import DocumentSettings
from impressions_assets.duplicates import duplicates_in
from impressions_assets.errors import NothingToDo
from impressions_assets.gpt.manifest import MANIFEST, Manifest, Shard, read_manifest, write_manifest
from impressions_assets.gpt.shard_plan import DocumentRef, PlannedShard, plan_shards, split_single
from impressions_assets.gpt.shards import manifest_of, write_shard
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer
from impressions_assets.resources.impressions import Impressions
from impressions_assets.rows import Document
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.storage.store import StoredFile
from impressions_assets.text.splits import ensure_validation

VERSION = 1
KIND = "token_shards"


@channel_asset(
    group="gpt",
    kinds={"numpy"},
    version=VERSION,
    deps=["documents", "tokenizer"],
    checks={
        "train_and_val_share_no_text": "No text of the validation split is in the training split.",
        "val_is_not_empty": "There is text to validate on.",
    },
)
def token_shards(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Training and validation shards of token ids, with a manifest back to video and second."""
    home, name = impressions.home, context.partition_key
    corpus = Corpus(home, name, impressions.channel(name).documents)
    before = home.current(name, KIND)
    with impressions.workspace() as folder:
        made = corpus.shard(folder)
    kept = {file.digest for file in before.files} if before else set()
    facts = {k: made.fact(k) for k in ("train_tokens", "val_tokens", "documents", "duplicates")}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.digest),
        metadata={
            **facts,
            "dagster/row_count": made.fact("train_tokens") + made.fact("val_tokens"),
            "shards": sum(file.name.endswith(".bin") for file in made.files),
            "rewritten_shards": sum(
                file.name.endswith(".bin") and file.digest not in kept for file in made.files
            ),
            "version": made.version,
        },
        check_results=[
            passed("train_and_val_share_no_text", made.fact("shared_texts") == 0),
            passed("val_is_not_empty", made.fact("val_tokens") > 0, warn=True),
        ],
    )


class Corpus:
    """The documents of a channel that a model learns from, cut into shards."""

    def __init__(self, home: Home, channel: str, settings: DocumentSettings) -> None:
        """Read digests, signatures, sizes and splits; no text yet."""
        self._home = home
        self._channel = channel
        self._val_fraction = settings.val_fraction
        self.tokenizer_row = home.version(channel, "tokenizer")
        self._rows = home.table("documents").columns(
            channel, "video_id", "output_digest", "split", "text_digest", "num_characters"
        )
        self.duplicates = duplicates_in(home, channel, settings.duplicate_similarity)
        chosen = {i: s for i, _, s, _, size in self._rows if size and i not in self.duplicates}
        self.splits = ensure_validation(chosen)

    def shard(self, folder: Path) -> Artifact:
        """Publish the shards of these documents, writing only those that no version has."""
        digests = {video_id: digest for video_id, digest, *_ in self._rows}
        if not self.splits:
            raise NothingToDo(
                f"channel {self._channel!r} has no text to cut into shards: all its documents are "
                "empty. The column `dropped` of `documents` tells why"
            )
        refs = [
            DocumentRef(video_id=video_id, digest=digests[video_id], split=split)
            for video_id, split in self.splits.items()
        ]
        if len(refs) == 1:
            refs += [msgspec.structs.replace(refs[0], split="val")]
        planned = plan_shards(refs, self.tokenizer_row.fact("digest"))
        made_from = digest_of(VERSION, [p.input_digest for p in planned], self._val_fraction)
        current = self._home.current(self._channel, KIND)
        is_made = current is not None and current.made_from == made_from
        if current and is_made and not self._home.store.missing(current.files):
            return current
        return self._publish(folder, planned, made_from, current)

    def _publish(
        self, folder: Path, planned: list[PlannedShard], made_from: str, current: Artifact | None
    ) -> Artifact:
        known, files = self._known(current, folder / "before")
        tokenizer = load_tokenizer(
            self._home.store.fetch(self.tokenizer_row.files, folder / "tokenizer")
        )
        shards: list[Shard] = []
        reused: list[StoredFile] = []
        for plan in planned:
            shard = known.get(plan.file) if len(self.splits) > 1 else None
            if shard:
                reused += [files[shard.file], files[shard.anchors_file]]
            shards.append(shard or self._write(folder / "new", plan, tokenizer))
        manifest = manifest_of(tokenizer, shards)
        (folder / "new").mkdir(parents=True, exist_ok=True)
        write_manifest(folder / "new", manifest)
        return self._home.publish(
            self._channel,
            KIND,
            {path.name: path for path in (folder / "new").iterdir()},
            reused=reused,
            made_from=made_from,
            facts=self._facts(manifest),
        )

    def _known(
        self, current: Artifact | None, folder: Path
    ) -> tuple[dict[str, Shard], dict[str, StoredFile]]:
        # The only document of a channel is cut in two: its shards hold a part of what they name.
        if current is None or current.fact("documents") == 1:
            return {}, {}
        gone = self._home.store.missing(current.files)
        files = {file.name: file for file in current.files if file.name not in gone}
        if MANIFEST not in files:
            return {}, {}
        self._home.store.fetch([files[MANIFEST]], folder)
        shards = read_manifest(folder).shards
        return {s.file: s for s in shards if {s.file, s.anchors_file} <= files.keys()}, files

    def _write(self, folder: Path, planned: PlannedShard, tokenizer: Tokenizer) -> Shard:
        keys = [key_of(video_id) for video_id in planned.video_ids]
        rows = self._home.table("documents").rows(self._channel, keys)
        return write_shard(folder, planned, self._parts(rows, planned), tokenizer)

    def _parts(self, rows: Iterator[Document], planned: PlannedShard) -> Iterator[Document]:
        if len(self.splits) > 1:
            return rows
        (only,) = rows
        train, val = split_single(only, self._val_fraction or 0.1)
        return iter([train if planned.split == "train" else val])

    def _facts(self, manifest: Manifest) -> dict[str, Any]:
        def tokens(split: str) -> int:
            return sum(shard.num_tokens for shard in manifest.shards if shard.split == split)

        digests = {video_id: digest for video_id, _, _, digest, _ in self._rows}
        texts = {
            split: {digests[i] for i, s in self.splits.items() if s == split}
            for split in ("train", "val")
        }
        return {
            "train_tokens": tokens("train"),
            "val_tokens": tokens("val"),
            "documents": len(self.splits),
            "duplicates": len(self.duplicates),
            "shared_texts": len(texts["train"] & texts["val"]),
            "tokenizer": manifest.tokenizer,
            "tokenizer_version": self.tokenizer_row.version,
        }
