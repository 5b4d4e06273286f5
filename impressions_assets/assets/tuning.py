"""From a channel's pairs to a fine-tuning, and from its folder to a published chat model.

Does not belong here: Dagster, and how a model is tuned (chat/).
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from impressions_assets.answering.search import ChannelSearch, open_search
from impressions_assets.answering.variants import KIND
from impressions_assets.channels.channel import Channel
from impressions_assets.channels.chat import OWN, ChatVariant
from impressions_assets.chat.card import chat_card
from impressions_assets.chat.exchanges import Exchange, Found, save_exchanges
from impressions_assets.chat.passages import Source
from impressions_assets.chat.run import ADAPTER, MERGED, RESULT, RUN_FILE, ChatResult, ChatRun
from impressions_assets.chat.vectors import Tell, unsaid
from impressions_assets.duplicates import duplicates_in, threshold_of
from impressions_assets.errors import ConfigError, NothingToDo, TrainingError
from impressions_assets.gpt.swap import current
from impressions_assets.rows import QAPair, Split
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.forgetting import LEARNED, learned_from
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.text.splits import ensure_validation, split_of
from impressions_assets.wording import meant

VERSION = 2
CARD = "README.md"
_SOURCES = 5  # the best passages, of which one is to hold the answer
_OF_NO_WEIGHT = {"device", "gradient_checkpointing"}


@dataclass(frozen=True)
class PreparedTuning:
    """A fine-tuning that only needs to be started."""

    folder: Path
    run: ChatRun
    made_from: str
    exchanges: tuple[Exchange, ...]
    checkpoint: Artifact | None
    sources_hold: float | None  # share of held-out pairs, asked as what nobody wrote down
    sources_hold_listed: float | None  # the same, asked as what stands among the channel's pairs
    finished: Artifact | None = None  # what it gave, if it ran to its end; then nothing is searched

    @property
    def run_file(self) -> Path:
        """What the child reads."""
        return self.folder / RUN_FILE

    def discard(self) -> None:
        """Delete the folder: what counts was published."""
        shutil.rmtree(self.folder, ignore_errors=True)


def variant_of(channel: Channel, name: str | None, settings: Mapping[str, Any]) -> ChatVariant:
    """The variant of a name (the first, if none is said), with what this run sets differently.

    Raises:
        ConfigError: the channel has none of this name, or a setting is wrong.
    """
    variants = channel.chat.variants
    name = name or channel.chat.first
    if name not in variants:
        raise ConfigError(
            f"channel {channel.name!r} has no chat variant {name!r}; {meant(name, variants)}"
            f"There are: {', '.join(variants)}. Add it under `chat: {{variants: …}}`"
        )
    try:
        return ChatVariant.model_validate({**variants[name].model_dump(), **settings})
    except ValidationError as error:
        told = "; ".join(f"{e['loc'][0] if e['loc'] else ''}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"the settings of {name!r} are wrong: {told}") from error


def prepare(
    home: Home,
    channel: Channel,
    scratch: Path,
    name: str | None,
    settings: Mapping[str, Any],
    tell: Tell = unsaid,
) -> PreparedTuning:
    """Lay out a fine-tuning: its pairs as a file, and its settings as chat.json.

    The same tuning finds its folder again, and goes on from where it was stopped. `tell` is told
    how many passages are encoded, where search has an encoder.

    Raises:
        NothingToDo: the channel has no pair, or no checkpoint where that is the base.
    """
    name = name or channel.chat.first
    variant = variant_of(channel, name, settings)
    checkpoint = home.version(channel.name, "checkpoint") if variant.base == OWN else None
    opened = partial(open_search, home, channel.name, scratch, channel.search.encoder, tell=tell)
    search = opened(knows_questions=False)  # before pairs are read: it may encode for hours
    pairs = _pairs(home, channel.name, variant)
    splits = _splits(home, channel, {video_id for video_id, _ in pairs})
    exchanges = _exchanges(home, channel.name, variant, pairs, splits)
    made_from = digest_of(
        VERSION,
        name,
        variant.model_dump(exclude=_OF_NO_WEIGHT),
        [msgspec.to_builtins(one) for one in exchanges],
        checkpoint.digest if checkpoint else None,
        # In place of the passages themselves: near ones may change places on another processor.
        *([search.made_from] if variant.passages else []),
    )
    if made := _finished(home, channel.name, made_from):
        held = made.fact("sources_hold"), made.fact("sources_hold_listed")
    else:
        exchanges = _with_passages(exchanges, search, variant.passages)
        held_out = [(video_id, pair) for video_id, pair in pairs if splits[video_id] == "val"]
        held = _sources_hold(search, held_out), _sources_hold(opened(), held_out)
    folder = scratch / "tuning" / f"{channel.name}-{made_from[:16]}"
    run = _laid_out(home, folder, name, variant, exchanges, checkpoint)
    return PreparedTuning(folder, run, made_from, exchanges, checkpoint, *held, made)


def _laid_out(
    home: Home,
    folder: Path,
    name: str,
    variant: ChatVariant,
    exchanges: Sequence[Exchange],
    checkpoint: Artifact | None,
) -> ChatRun:
    """Write what the child reads."""
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    save_exchanges(folder / "exchanges.jsonl", exchanges)
    run = ChatRun(
        name=name,
        exchanges=folder / "exchanges.jsonl",
        out_dir=out,
        checkpoint_dir=home.store.fetch(checkpoint.files, folder / "init") if checkpoint else None,
        variant=variant,
        parent_pid=os.getpid(),
    )
    run.save(folder / RUN_FILE)
    return run


def _finished(home: Home, channel: str, made_from: str) -> Artifact | None:
    """Return the version that this very tuning already gave, if it ran to its end."""
    for version in home.artifacts(channel, KIND):
        is_whole = version.made_from == made_from and version.fact("stopped") is None
        if is_whole and not home.store.missing(version.files):
            return version
    return None


def _exchanges(
    home: Home,
    channel: str,
    variant: ChatVariant,
    pairs: Sequence[tuple[str, QAPair]],
    splits: Mapping[str, Split],
) -> tuple[Exchange, ...]:
    """What is learned, without passages."""
    exchanges = [
        Exchange(
            video_id=video_id,
            split=splits[video_id],
            question=pair.question,
            answer=pair.answer,
        )
        for video_id, pair in pairs
    ]
    if variant.documents:
        exchanges += _documents(home, channel, splits)
    return tuple(exchanges)


def _with_passages(
    exchanges: Sequence[Exchange], search: ChannelSearch, most: int
) -> tuple[Exchange, ...]:
    """What is learned, with the passages that are found for each question.

    They are found as for a question that nobody wrote down: else a model would learn that the first
    one always answers.
    """
    return tuple(
        msgspec.structs.replace(
            one,
            passages=tuple(
                Found(found.video_id, found.text) for found in search.sources(one.question, most)
            ),
        )
        for one in exchanges
    )


def _sources_hold(search: ChannelSearch, pairs: Sequence[tuple[str, QAPair]]) -> float | None:
    """The share of pairs of which one of the best passages holds the answer."""
    held = [
        any(_holds(one, video_id, pair) for one in search.sources(pair.question, _SOURCES))
        for video_id, pair in pairs
    ]
    return round(sum(held) / len(held), 4) if held else None


def publish(home: Home, channel: Channel, prepared: PreparedTuning) -> Artifact:
    """Keep adapter, merged weights and card as a version, in one commit.

    The channel's first variant is promoted, and so is any where there is none yet; one that learned
    nothing never is, and one that was stopped takes no other's place.

    Raises:
        TrainingError: the tuning ended before it made a model.
    """
    out = prepared.run.out_dir
    if not (out / RESULT).exists():
        raise TrainingError(
            f"fine-tuning of {channel.name!r} in {prepared.folder} ended before it made a model:"
            " there is nothing to publish. Start it again: it goes on from its last checkpoint"
        )
    result = ChatResult.load(out / RESULT)
    card = chat_card(channel.name, prepared.run.name, channel.permission, result)
    (out / CARD).write_text(card, encoding="utf-8")
    (out / LEARNED).write_bytes(msgspec.json.encode(sorted(_learned(home, channel, prepared))))
    files = {name: out / name for name in (RESULT, CARD, LEARNED)}
    for part in (MERGED, ADAPTER):
        if folder := current(out / part):
            paths = (path for path in folder.rglob("*") if path.is_file())
            files |= {f"{part}/{path.relative_to(folder).as_posix()}": path for path in paths}
    is_first = prepared.run.name == channel.chat.first and result.stopped is None
    return home.publish(
        channel.name,
        KIND,
        files,
        made_from=prepared.made_from,
        facts=_facts(prepared, result),
        promote=lambda now: not result.fault and (now is None or is_first),
    )


def _facts(prepared: PreparedTuning, result: ChatResult) -> dict[str, Any]:
    held_out, trained = result.held_out, result.trained
    return {
        "variant": prepared.run.name,
        "base": result.base,
        "checkpoint_version": prepared.checkpoint.version if prepared.checkpoint else None,
        "method": result.method,
        "settings": prepared.run.variant.model_dump(),
        "stopped": result.stopped,
        "fault": result.fault,
        "steps": result.steps,
        "num_pairs": result.num_pairs,
        "num_lost_tokens": result.num_lost_tokens,
        "sources_hold": prepared.sources_hold,
        "sources_hold_listed": prepared.sources_hold_listed,
        "trained_share_right": trained.share_right,
        **{
            name: getattr(held_out, name)
            for name in held_out.__struct_fields__
            if name not in ("answers", "num_pairs")
        },
    }


def _pairs(home: Home, channel: str, variant: ChatVariant) -> list[tuple[str, QAPair]]:
    """Those that may be learned from, in the order of their videos' ids."""
    left_out = set(duplicates_in(home, channel, threshold_of(home, channel)))
    taken = {"accepted", "edited"} | (set() if variant.reviewed_only else {"unreviewed"})
    rows = sorted(home.table("qa_pairs").rows(channel), key=lambda row: digest_of(row.video_id))
    pairs = [
        (row.video_id, pair)
        for row in rows
        for pair in (row.pairs if row.video_id not in left_out else ())
        if pair.review in taken and pair.question.strip() and pair.answer.strip()
    ]
    if not pairs:
        unaccepted = " that a person accepted" if variant.reviewed_only else ""
        raise NothingToDo(
            f"channel {channel!r} has no question with an answer{unaccepted} to tune a chat"
            " model on: see the asset qa_pairs, `questions` in channels.yaml, or"
            " `impressions correct` to add some"
        )
    return pairs


def _splits(home: Home, channel: Channel, video_ids: set[str]) -> dict[str, Split]:
    """By the sides that the documents are on, so that no model is judged by what another learned.

    With pairs of one video alone, there is nothing to judge by.
    """
    stored = dict(home.table("documents").columns(channel.name, "video_id", "split"))
    fraction = channel.documents.val_fraction
    splits = {video: stored.get(video) or split_of(video, fraction) for video in video_ids}
    if fraction:
        return ensure_validation(splits)
    return dict.fromkeys(splits, "train")


def _documents(home: Home, channel: str, splits: Mapping[str, Split]) -> Iterator[Exchange]:
    left_out = set(duplicates_in(home, channel, threshold_of(home, channel)))
    for row in home.table("documents").rows(channel):
        if row.text and row.video_id not in left_out:
            split = splits.get(row.video_id, row.split)
            yield Exchange(video_id=row.video_id, split=split, answer=row.text)


def _holds(source: Source, video_id: str, pair: QAPair) -> bool:
    """Whether a passage overlaps the span that answers; of texts without times, is of the video."""
    start, end = source.start_seconds, source.end_seconds
    return source.video_id == video_id and (
        start is None or (start < pair.end_seconds and (end is None or end > pair.start_seconds))
    )


def _learned(home: Home, channel: Channel, prepared: PreparedTuning) -> set[str]:
    """Which videos it saw: what is forgotten later makes it stale."""
    seen = {one.video_id for one in prepared.exchanges}
    seen |= {found.video_id for one in prepared.exchanges for found in one.passages}
    base = prepared.checkpoint
    return seen | learned_from(home, base) if base else seen
