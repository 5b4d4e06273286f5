"""From a channel's settings to a training run, and from its folder to a published version.

Does not belong here: Dagster, and how a model is trained (gpt/).
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from impressions_assets.assets.promotion import Scores, is_no_worse, judged_by, was_cut_short
from impressions_assets.channels.channel import Channel
from impressions_assets.errors import ConfigError, TrainingError
from impressions_assets.gpt.config import OF_NO_WEIGHT, ModelConfig, TrainConfig, resolve
from impressions_assets.gpt.manifest import read_manifest
from impressions_assets.gpt.pretrained import PREFIX, Pretrained, pretrained
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.swap import current as current_folder
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.forgetting import LEARNED, learned_from
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact

VERSION = 1
KIND = "checkpoint"
RESULT = "result.json"


@dataclass(frozen=True)
class PreparedTraining:
    """A training that only needs to be started."""

    folder: Path
    run: TrainingRun
    made_from: str
    facts: dict[str, Any]

    @property
    def run_file(self) -> Path:
        """What the child reads."""
        return self.folder / "run.json"

    @property
    def result(self) -> TrainingResult:
        """How it ended."""
        assert self.run.out_dir is not None
        return TrainingResult.load(self.run.out_dir / RESULT)

    @property
    def best(self) -> Path | None:
        """Where its best checkpoint lies; None before it ended or stopped with one."""
        out = self.run.out_dir
        if out is None or not (out / RESULT).exists():
            return None
        return current_folder(out / "best") or current_folder(out / "last")

    def discard(self) -> None:
        """Delete the folder: what counts was published."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def only_training_of(channel: str, scratch: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Let one run at a time train a channel on this machine; the others wait for it.

    The same training works in the same folder, whoever runs it. The queue keeps runs of a channel
    apart, but not those of a terminal, and of two that ask for a pool's only slot in one instant
    SQLite lets both in (1 of 20 pairs, on busy cores): the second overwrote the first one's
    run.json, whose training then took its parent for dead, and stopped.
    """
    lock = FileLock(scratch / "locks" / f"{channel}.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log(f"another run trains {channel} on this machine: waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def prepare(
    home: Home,
    channel: Channel,
    scratch: Path,
    flags: Mapping[str, Any],
    *,
    save: bool = True,
) -> PreparedTraining:
    """Lay out a training: its data as local files, and its settings as run.json.

    Args:
        home: the storage root.
        channel: whose shards and settings.
        scratch: where the training works; the same training finds its folder again, and resumes.
        flags: settings that override the channel's; `model_preset`, `length_preset`, and `init`
            ('scratch', 'last', a version, or 'hf:' and a GPT-2), beside nanoGPT's names.
        save: False trains without keeping anything.
    """
    start = _start(home, channel.name, str(flags.get("init") or "scratch"))
    theirs = start if isinstance(start, Pretrained) else None
    model, train = settings_of(channel, flags, home.current(channel.name, "token_shards"), theirs)
    shards = home.version(channel.name, "token_shards")
    made_from = made_from_of(shards, model, train, start)
    # What is not kept gets a folder of its own, lest it be thrown away with a kept one's progress.
    own = made_from[:16] if save else f"unsaved-{uuid.uuid4().hex[:16]}"
    folder = scratch / "training" / f"{channel.name}-{own}"
    tokenizer = home.version(channel.name, "tokenizer", shards.fact("tokenizer_version"))
    run = TrainingRun(
        shards_dir=home.store.fetch(shards.files, folder / "shards"),
        shards_digests={file.name: file.digest for file in shards.files},
        tokenizer_dir=home.store.fetch(tokenizer.files, folder / "tokenizer"),
        out_dir=folder / "out" if save else None,
        tensorboard_dir=scratch / "tensorboard" / channel.name / own,
        init_from=_fetched(home, start, folder / "init"),
        parent_pid=os.getpid(),
        model=model,
        train=train,
    )
    prepared = PreparedTraining(
        folder,
        run,
        made_from,
        {
            "shards_version": shards.version,
            "train_tokens": shards.fact("train_tokens"),
            "tokenizer_version": tokenizer.version,
            "started_from_version": start.version if isinstance(start, Artifact) else None,
            "started_from": f"{PREFIX}{theirs.name}" if theirs else None,
            "judged_by": judged_by(run),
            "model": model.model_dump(),
            "train": train.model_dump(),
        },
    )
    run.save(prepared.run_file)
    return prepared


def settings_of(
    channel: Channel,
    flags: Mapping[str, Any],
    shards: Artifact | None,
    theirs: Pretrained | None = None,
) -> tuple[ModelConfig, TrainConfig]:
    """Resolve a training's settings: presets, then the channel's, then the flags of this run.

    What nobody gives depends on how often the shards, if there are any yet, are read. The shape of
    weights that others trained goes before what the channel says for its own.
    """
    given = {name: value for name, value in flags.items() if name != "init" and value is not None}
    model_preset = given.pop("model_preset", channel.model.preset)
    length_preset = given.pop("length_preset", channel.training.length)
    own = channel.model.model_dump(exclude={"preset"}, exclude_none=True)
    own |= channel.training.model_dump(exclude={"length"}, exclude_none=True)
    train_tokens = shards.fact("train_tokens") if shards else None
    if theirs is None:
        return resolve(model_preset, length_preset, own, given, train_tokens=train_tokens)
    soft, shape = theirs.layers()
    layers = (soft, own, shape, given)
    model, train = resolve(model_preset, length_preset, *layers, train_tokens=train_tokens)
    theirs.check_fits(model)
    return model, train


def made_from_of(
    shards: Artifact,
    model: ModelConfig,
    train: TrainConfig,
    start: Artifact | Pretrained | None = None,
) -> str:
    """Return what tells one training from another."""
    return digest_of(
        VERSION,
        shards.digest,
        model.model_dump(),
        train.model_dump(exclude=set(OF_NO_WEIGHT)),
        start.digest if start else None,
    )


def finished(home: Home, channel: str, made_from: str) -> Artifact | None:
    """Return the version that this very training already gave, if it ran to its end."""
    for version in home.artifacts(channel, KIND):
        is_whole = version.made_from == made_from and not is_resumable(version)
        if is_whole and not home.store.missing(version.files):
            return version
    return None


def is_resumable(version: Artifact) -> bool:
    """Say whether a signal ended the training: it can go on, where its own limits would end it."""
    return was_cut_short(version.fact("stopped"))


def publish(
    home: Home, channel: str, prepared: PreparedTraining, scores: Scores = MappingProxyType({})
) -> Artifact:
    """Keep the best checkpoint of a training as a version; promote it if it is no worse.

    `scores` has bits per byte of the promoted version, where it had to be scored anew.

    Raises:
        TrainingError: the training ended before it saved anything.
    """
    out = prepared.run.out_dir
    assert out is not None
    best = prepared.best
    if best is None:
        raise TrainingError(
            f"training of {channel!r} in {prepared.folder} ended before its first checkpoint: "
            "there is nothing to publish. Start it again"
        )
    result = prepared.result
    files = {p.relative_to(best).as_posix(): p for p in best.rglob("*") if p.is_file()}
    files[RESULT] = out / RESULT
    files[LEARNED] = _learned(home, channel, prepared)
    return home.publish(
        channel,
        KIND,
        files,
        made_from=prepared.made_from,
        facts={**prepared.facts, **_figures(result)},
        promote=lambda current: is_no_worse(result, current, prepared.facts, scores),
    )


def _learned(home: Home, channel: str, prepared: PreparedTraining) -> Path:
    """Write down which videos a model saw: what is forgotten later makes it stale.

    What the version that it started from saw, it saw too.
    """
    manifest = read_manifest(prepared.run.shards_dir)
    ids = {document.video_id for shard in manifest.shards for document in shard.documents}
    start = prepared.facts["started_from_version"]
    if start is not None:
        ids |= learned_from(home, home.version(channel, KIND, start))
    path = prepared.folder / LEARNED
    path.write_bytes(msgspec.json.encode(sorted(ids)))
    return path


def _figures(result: TrainingResult) -> dict[str, Any]:
    return {
        name: getattr(result, name)
        for name in (
            "steps",
            "stopped",
            "best_step",
            "best_val_loss",
            "val_bits_per_byte",
            "unigram_bits_per_byte",
            "tokens_per_second",
            "num_parameters",
            "device",
            "dtype",
        )
    }


def _fetched(home: Home, start: Artifact | Pretrained | None, folder: Path) -> Path | None:
    if isinstance(start, Artifact):
        return home.store.fetch(start.files, folder)
    return start.folder if start else None


def _start(home: Home, channel: str, init: str) -> Artifact | Pretrained | None:
    if init == "scratch":
        return None
    if init == "last":
        versions = home.artifacts(channel, KIND)
        return versions[-1] if versions else home.version(channel, KIND)
    if init.startswith(PREFIX):
        return pretrained(init.removeprefix(PREFIX))
    if not init.isdecimal():
        raise ConfigError(
            f"init is {init!r}: write 'scratch', 'last', a version's number, or '{PREFIX}' and the "
            "name or folder of a GPT-2"
        )
    return home.version(channel, KIND, int(init))
