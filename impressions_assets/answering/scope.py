"""The guard of a channel: its scope is learned when its rows have changed, and kept in scratch.

It holds the words of what was said, so it is made anew, and deleted, as the index is (`search`).
"""

import shutil
from contextlib import suppress
from pathlib import Path

import msgspec

from impressions_assets.channels.channel import Channel
from impressions_assets.chat.encoder import Encoder
from impressions_assets.chat.guard import Guard, examples_of, preset_named, reference_of
from impressions_assets.chat.scope import VERSION, Scope
from impressions_assets.chat.words import primary_language
from impressions_assets.errors import NothingToDo
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home

_FOLDER = "scopes"
_VECTORS = "vectors"  # of example questions, which nobody said: forgetting leaves them
_READS = ("videos", "documents", "chapters", "qa_pairs")


def open_guard(home: Home, channel: Channel, scratch: Path) -> Guard:
    """Open a channel's guard; learns what the channel is about when it says something else by now.

    Raises:
        NothingToDo: no document was made yet, and nothing else says what it is about.
        ConfigError: a library is missing, or the encoder cannot be loaded.
    """
    settings = channel.scope
    preset = preset_named(settings.preset) if settings.preset else {}
    scope = _learned(home, channel, scratch) if settings.learns else Scope(_languages(channel))
    if settings.preset:
        scope.read_up(reference_of(settings.preset))
    scope.add((*preset.get("keywords", ()), *settings.keywords))
    examples = (
        *(examples_of(settings.preset) if settings.preset else ()),
        *((question, True) for question in settings.in_scope),
        *((question, False) for question in settings.out_of_scope),
    )
    patterns = (*settings.patterns, *preset.get("patterns", ()))
    others = (*settings.other_patterns, *preset.get("other_patterns", ()))
    answer = settings.answer or preset.get("answer", "")
    encoder = Encoder(settings.encoder, scratch / _VECTORS) if settings.encoder else None
    return Guard(scope, patterns, answer, others, examples, preset.get("classes"), encoder)


def forget_scopes(scratch: Path) -> None:
    """Delete what was learned of all channels."""
    shutil.rmtree(scratch / _FOLDER, ignore_errors=True)


def _learned(home: Home, channel: Channel, scratch: Path) -> Scope:
    if not home.table("documents").count(channel.name):
        raise NothingToDo(
            f"channel {channel.name!r} has no documents to learn its subject from: run"
            f" `impressions materialize {channel.name}`, or write `scope: {{learn: false}}`"
        )
    versions = [home.table(table).data_version(channel.name) for table in _READS]
    folder = scratch / _FOLDER / channel.name
    file = folder / f"{digest_of(VERSION, versions, _languages(channel))}.json"
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(file.read_bytes(), type=Scope)
    scope = scope_of(home, channel)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(scope))
    draft.replace(file)
    return scope


def scope_of(home: Home, channel: Channel) -> Scope:
    """Learn what a channel is about: what it says, its titles, its chapters and questions."""
    name = channel.name
    scope = Scope(_languages(channel))
    main = scope.languages[0]
    rows = home.table("documents").columns(name, "video_id", "text", "language")
    languages = {video_id: language or main for video_id, _, language in rows}
    titles = [
        (title or "", languages.get(video_id, main))
        for video_id, title in home.table("videos").columns(name, "video_id", "title")
    ]
    for table, column in (("chapters", "chapters.title"), ("qa_pairs", "pairs.question")):
        for video_id, found in home.table(table).columns(name, "video_id", column):
            titles += [(title, languages.get(video_id, main)) for title in found or ()]
    scope.learn(((text or "", language or main) for _, text, language in rows), titles)
    return scope


def _languages(channel: Channel) -> tuple[str, ...]:
    return tuple(dict.fromkeys(primary_language(tag) for tag in channel.languages))
