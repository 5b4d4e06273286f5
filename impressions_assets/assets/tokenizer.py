"""The `tokenizer` asset: trained once per channel, and kept."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.channels.channel import Channel
from impressions_assets.errors import NothingToDo, TooEarly
from impressions_assets.gpt.renewal import must_train
from impressions_assets.gpt.tokenizer import make_tokenizer
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.storage.store import sha256_of

VERSION = 1
KIND = "tokenizer"
SAMPLE_CHARACTERS = 100_000_000  # enough to learn merges from; the rest would only cost time


@channel_asset(
    group="gpt",
    kinds={"tiktoken"},
    version=VERSION,
    deps=["documents"],
    checks={"enough_is_known": "There is a tokenizer, or most videos are decided and one is due."},
    output_required=False,  # too early, it makes nothing: what follows is skipped, and none fails
)
def tokenizer(
    context: dg.AssetExecutionContext, impressions: Impressions
) -> Iterator[Materialized | dg.AssetCheckResult]:
    """The channel's tokenizer: by default a byte-level BPE trained on its documents."""
    channel = impressions.channel(context.partition_key)
    try:
        with impressions.workspace() as folder:
            made = current_or_new(impressions.home, channel, folder)
    except TooEarly as early:
        yield passed("enough_is_known", False, warn=True, why=str(early))
        return
    yield passed("enough_is_known", True, warn=True)
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(made.digest),
        metadata={
            "kind": made.fact("kind"),
            "vocab_size": made.fact("vocab_size"),
            "trained_on_characters": made.fact("num_characters"),
            "made": made.created_at,
            "version": made.version,
        },
    )


def current_or_new(home: Home, channel: Channel, workspace: Path) -> Artifact:
    """Return the tokenizer to use; train one when the channel's rules say it is time."""
    current = home.current(channel.name, KIND)
    if current and reason_to_train(home, channel) is None:
        return current
    sizes = _sizes(home, channel)
    _check_coverage(home, channel, sum(size > 0 for size in sizes))
    return _train(home, channel, workspace, _made_from(channel), sum(sizes))


def reason_to_train(home: Home, channel: Channel) -> str | None:
    """Say why the channel needs a new tokenizer; None when the one it has stays."""
    current = home.current(channel.name, KIND)
    if current is None:
        return "there is none yet"
    if gone := home.store.missing(current.files):
        return f"its files are not in the store any more: {', '.join(sorted(gone))}"
    settings_stay = current.made_from == _made_from(channel)
    trained_on = current.fact("num_characters")
    size = sum(_sizes(home, channel))
    if not must_train(settings_stay, size, trained_on, channel.tokenizer.retokenize_at):
        return None
    if not settings_stay:
        return "its settings changed"
    return f"the text grew from {trained_on:,} to {size:,} characters"


def _made_from(channel: Channel) -> str:
    settings = channel.tokenizer
    vocabulary = Path(settings.path) if settings.path else None
    content = sha256_of(vocabulary) if vocabulary and vocabulary.is_file() else None
    # Left out while it is the default: a setting that came later trains no tokenizer anew.
    chosen = [settings.unknown_words] if settings.unknown_words != "characters" else []
    return digest_of(VERSION, settings.kind, settings.vocab_size, content, *chosen)


def _sizes(home: Home, channel: Channel) -> list[int]:
    return [size for (size,) in home.table("documents").columns(channel.name, "num_characters")]


def _check_coverage(home: Home, channel: Channel, num_texts: int) -> None:
    videos = home.table("videos").count(channel.name)
    decided = len(_decided(home, channel.name))
    least = channel.tokenizer.min_coverage
    if not num_texts:
        raise NothingToDo(
            f"channel {channel.name!r} has no text to train a tokenizer on: {videos} videos, "
            f"{decided} of them decided, none with words. See the checks of `transcripts`"
        )
    if decided < least * videos:
        raise TooEarly(
            f"a tokenizer is trained once, on most of a channel: {decided} of {videos} videos of "
            f"{channel.name!r} are decided, and min_coverage asks for {least:.0%}. It is made once "
            "the retries of `transcripts` came, or with a lower tokenizer.min_coverage"
        )


def _decided(home: Home, channel: str) -> set[str]:
    """Videos of which we know what there is to know: what fails for good is decided as well."""
    failed = attempts(home, channel, "transcripts").items()
    given_up = {key for key, attempt in failed if attempt.status == "permanent"}
    return given_up | home.table("transcripts").digests(channel).keys()


def _train(
    home: Home, channel: Channel, folder: Path, made_from: str, num_characters: int
) -> Artifact:
    settings = channel.tokenizer
    trained = make_tokenizer(
        settings.kind,
        _sample(home, channel.name),
        settings.vocab_size,
        Path(settings.path) if settings.path else None,
        settings.unknown_words,
    )
    trained.save(folder)
    facts = {
        "kind": trained.kind,
        "vocab_size": trained.vocab_size,
        "digest": trained.digest,
        "num_characters": num_characters,
    }
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    return home.publish(channel.name, KIND, files, made_from=made_from, facts=facts)


def _sample(home: Home, channel: str) -> Iterator[str]:
    taken = 0
    for document in home.table("documents").rows(channel):
        yield document.text
        taken += len(document.text)
        if taken > SAMPLE_CHARACTERS:
            return
