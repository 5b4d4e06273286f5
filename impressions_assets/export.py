"""What leaves the house: a channel in the formats that other tools read, with a card beside it.

A format is a function that writes a channel into a folder and returns the files; its docstring is
what the card says of them. Other packages add theirs as entry points of the group
`impressions.export`:

    [project.entry-points."impressions.export"]
    epub = "my_package.epub:write"

A folder of this machine is an export; an address (`hf://datasets/OWNER/NAME`, `hf://OWNER/NAME` of
a model, `gs://bucket/prefix`) is a publication, and wants the channel's statement of permission.
"""

import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path

import fsspec

from impressions_assets.channels.channels_yaml import CHANNELS_FILE, read_channels
from impressions_assets.errors import ConfigError, NothingToDo, StorageError
from impressions_assets.formats.captions import json, srt, vtt
from impressions_assets.formats.card import (
    CARD,
    Made,
    check_card_fits,
    permission_of,
    write_card,
)
from impressions_assets.formats.chat_model import chat_model
from impressions_assets.formats.huggingface import huggingface
from impressions_assets.formats.nanogpt import nanogpt
from impressions_assets.formats.pages import markdown, text
from impressions_assets.formats.qa import qa
from impressions_assets.formats.review import review
from impressions_assets.formats.tables import csv, jsonl, parquet
from impressions_assets.plugins import loaded, offered, plugin
from impressions_assets.reader import ChannelReader

GROUP = "impressions.export"
_HUB = "hf://"

Format = Callable[..., list[Path]]  # of a ChannelReader and a folder; of a version, if of a model
_OF_A_MODEL = ("huggingface", "chat_model")


def export(
    channel: ChannelReader, name: str, folder: Path, version: int | None = None
) -> list[Path]:
    """Write a channel in a format into a folder, and a card; return the files.

    `version` is the model's, where the format is of one; None is the promoted one.

    Raises:
        ConfigError: there is no such format, or it cannot be loaded, or the folder has a README.md
            that is no card.
        NothingToDo: the channel has nothing to write in this format.
    """
    write = _format(name)
    if version is not None and name not in _OF_A_MODEL:
        raise ConfigError(f"format {name!r} is of no model, so there is no version of it to choose")
    if folder.is_file():
        raise ConfigError(f"{folder} is a file; name a folder to export {channel.name!r} into")
    made = _made(channel)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_card_fits(folder)
        files = write(channel, folder, *(() if version is None else (version,)))
        if any(file.name == CARD for file in files):  # a card of its own
            return files
        if files:
            about = (inspect.getdoc(write) or "").partition("\n\nRaises:")[0]
            return [*files, write_card(channel, folder, files, made._replace(about=about))]
    except OSError as error:
        raise StorageError(f"exporting {channel.name!r} to {folder} failed: {error}") from error
    raise NothingToDo(f"channel {channel.name!r} has nothing to write as {name}")


def publish(
    channel: ChannelReader, name: str, address: str, version: int | None = None
) -> tuple[int, int]:
    """Export to an address that fsspec knows; return how many files and bytes went there.

    Raises:
        ConfigError: the channel states no permission, or nothing here can write to the address.
    """
    if not permission_of(_made(channel)):
        raise ConfigError(
            f"channel {channel.name!r} states no permission to publish, and {address} is not a "
            f"folder of this machine: write who allowed it, and how, into {CHANNELS_FILE}, as "
            f"`permission:` of the channel"
        )
    with tempfile.TemporaryDirectory() as scratch:
        files = export(channel, name, Path(scratch), version)
        size_bytes = sum(file.stat().st_size for file in files)
        try:
            if address.startswith(_HUB):
                _to_hub(Path(scratch), address)
            else:
                target, path = fsspec.core.url_to_fs(address.rstrip("/"))
                target.makedirs(path, exist_ok=True)
                target.put([str(file) for file in files], [f"{path}/{file.name}" for file in files])
        except (ImportError, ValueError) as error:
            raise ConfigError(f"nothing can be written to {address}: {error}") from error
        except OSError as error:
            raise StorageError(f"publishing to {address} failed: {error}") from error
    return len(files), size_bytes


def _to_hub(folder: Path, address: str) -> None:
    """Make the repository where there is none, and commit all files at once."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    path = address.removeprefix(_HUB).strip("/")
    kind = "dataset" if path.startswith("datasets/") else "model"
    owner, *named = path.removeprefix("datasets/").split("/")
    if not (owner and named):
        raise ValueError("write hf://OWNER/NAME of a model, or hf://datasets/OWNER/NAME")
    repository, inside, api = f"{owner}/{named[0]}", "/".join(named[1:]), HfApi()
    try:
        api.create_repo(repository, repo_type=kind, exist_ok=True)
        api.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=folder, path_in_repo=inside
        )
    except HfHubHTTPError as error:
        if error.response.status_code not in (401, 403):
            raise
        raise ConfigError(
            f"the Hugging Face hub lets you write nothing to {address} ({error}): make a token that"
            " may write on https://huggingface.co/settings/tokens, and set HF_TOKEN to it"
        ) from error


def formats() -> list[str]:
    """Return the names of all formats: ours, and those of other packages."""
    return offered(GROUP, _OURS)


def _format(name: str) -> Format:
    """Return what writes a format; of other packages, only this one is imported."""
    point = plugin(GROUP, name, _OURS, "format")
    write: Format = loaded(point) if point else _OURS[name]
    return write


def _made(channel: ChannelReader) -> Made:
    from impressions_assets.assets import articles, chapters, documents, qa_pairs, transcripts

    stages = [room.STAGE for room in (transcripts, chapters, articles, qa_pairs, documents)]
    declared = read_channels(channel.home).channels.get(channel.name)
    return Made(declared, {stage.table: stage.version for stage in stages})


_OURS: dict[str, Format] = {
    write.__name__: write
    for write in (
        *(parquet, csv, jsonl, markdown, vtt, srt, json, qa, review, text),
        *(nanogpt, huggingface, chat_model),
    )
}
