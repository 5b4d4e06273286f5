"""A channel ready to be asked: its models, its guard and its passages, opened once."""

from pathlib import Path

from impressions_assets.answering.scope import open_guard
from impressions_assets.answering.search import open_search
from impressions_assets.answering.variants import open_answerer
from impressions_assets.channels.channel import Channel
from impressions_assets.chat.desk import Desk
from impressions_assets.chat.procedures import procedure_named
from impressions_assets.chat.vectors import Tell, unsaid
from impressions_assets.storage.home import Home


def open_desk(
    home: Home,
    channel: Channel,
    scratch: Path,
    *,
    variants: tuple[str, ...] = (),
    guarded: bool = True,
    procedure: str = "plain",
    most_sources: int = 3,
    most_passages: int = 0,
    tell: Tell = unsaid,
) -> Desk:
    """Open what answers for a channel.

    The first variant (else the promoted model) is called as the channel is, and others
    `channel:variant`. The other settings are those of `Desk`, and `tell` that of `open_search`.

    Raises:
        NothingToDo: no chat model, or no document, was made yet.
        ConfigError: a library is missing, or there is no such procedure.
    """
    chosen = procedure_named(procedure)
    search = open_search(home, channel.name, scratch, channel.search.encoder, tell=tell)
    names = [channel.name, *(f"{channel.name}:{variant}" for variant in variants[1:])]
    models = {
        name: open_answerer(home, channel.name, scratch, variant)
        for name, variant in zip(names, variants or ("",), strict=True)
    }
    return Desk(
        title=channel.title or channel.name,
        models=models,
        guard=open_guard(home, channel, scratch) if guarded else None,
        find=search.sources,
        procedure=chosen,
        most_sources=most_sources,
        most_passages=most_passages,
    )
