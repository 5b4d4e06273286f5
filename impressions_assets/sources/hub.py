"""The one place that speaks with Hugging Face's `datasets`, imported when it is first needed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from impressions_assets.errors import SourceBroken, SourceError, SourceMissing
from impressions_assets.sources.row_groups import WrongColumn

_BUILDERS: Mapping[str, str] = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
}


def parquet_addresses(path_or_name: str, config: str | None, split: str) -> list[str] | None:
    """Addresses of a split's files when all are Parquet; None when they are of another kind.

    Raises SourceMissing when there is no such dataset or split, naming the splits that exist.
    """
    with _translated(path_or_name) as datasets:
        arguments = _arguments(path_or_name, config, split)
        files = datasets.load_dataset_builder(**arguments).config.data_files
    if not files:
        return None
    names = [str(name) for name in files]
    if split not in names:
        raise SourceMissing(f"{path_or_name} has no split {split!r}: use one of {names}")
    addresses = [str(file) for file in files[split]]
    return addresses if all(address.endswith(".parquet") for address in addresses) else None


def stream_texts(
    path_or_name: str, config: str | None, split: str, column: str
) -> Iterator[str | None]:
    """Stream one column, row after row, holding no more than a batch in memory."""
    with _translated(path_or_name) as datasets:
        arguments = _arguments(path_or_name, config, split)
        rows = datasets.load_dataset(**arguments, split=split, streaming=True)
        for row in rows:
            if column not in row:
                raise WrongColumn(f"there is no column {column!r}", list(row))
            text = row[column]
            if text is not None and not isinstance(text, str):
                kind = type(text).__name__
                raise WrongColumn(f"column {column!r} holds {kind}, not text", list(row))
            yield text


def _arguments(path_or_name: str, config: str | None, split: str) -> dict[str, Any]:
    path = Path(path_or_name)
    if path.is_file():
        if path.suffix not in _BUILDERS:
            raise SourceBroken(f"{path}: expected a file of {', '.join(_BUILDERS)}, or a folder")
        return {"path": _BUILDERS[path.suffix], "data_files": {split: [str(path)]}}
    is_path = path.is_absolute() or path_or_name.startswith((".", "~")) or len(path.parts) > 2
    if is_path and not path.is_dir():
        raise SourceMissing(f"{path_or_name}: there is no such folder or file. Is it mounted?")
    return {"path": path_or_name, "name": config}


@contextmanager
def _translated(name: str) -> Iterator[ModuleType]:
    """Lend the library, with its errors told as ours."""
    try:
        import datasets
    except ImportError as error:
        raise SourceError(
            f"{name}: reading a dataset needs the library `datasets`: "
            "pip install 'impressions-assets[data]'"
        ) from error
    try:
        yield datasets
    except OSError as error:
        raise SourceMissing(
            f"{name}: there is no such folder, and the Hugging Face Hub gave no such dataset "
            f"({error}). Check the name; a private one needs `hf auth login`; without a network, "
            "give a folder"
        ) from error
    except (ValueError, KeyError, TypeError, datasets.exceptions.DatasetsError) as error:
        raise SourceBroken(f"{name}: the dataset cannot be read: {error}") from error
