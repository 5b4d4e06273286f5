"""Counts the words of Python's documentation, by which the preset python knows its subject.

    python -m impressions_assets_tests.eval.reference

It reads the docstrings and comments of the standard library and of the libraries below, as they
are installed, and writes `chat/presets/python.json.gz`. Counted are paragraphs, not words, so that
no long list decides; words in fewer than 3 and pairs in fewer than 8 are left out.
"""

import ast
import gzip
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import msgspec

from impressions_assets.chat import guard
from impressions_assets.chat.scope import Scope, pairs_of
from impressions_assets.chat.words import analyzer_of, raw_words

LIBRARIES = (
    "numpy", "pandas", "matplotlib", "requests", "sqlalchemy", "pydantic", "fastapi", "typer",
    "starlette", "jinja2", "click", "uvicorn", "_pytest", "pip", "setuptools", "mypy", "rich",
)  # fmt: skip
_NOT_READ = {"test", "tests", "site-packages", "idlelib", "lib2to3", "encodings", "_vendor"}
_COMMENTS = re.compile(r"(?m)^\s*((?:#.*\n\s*)+)")
_SHORTEST = 40  # characters of a comment


def paragraphs() -> Iterator[str]:
    """All that is read, in a fixed order."""
    topics: dict[str, str] = import_module("pydoc_data.topics").topics
    texts = list(topics.values())
    site = Path(sysconfig.get_path("purelib"))
    for folder in (Path(sysconfig.get_path("stdlib")), *(site / name for name in LIBRARIES)):
        for file in sorted(folder.rglob("*.py")):
            if _NOT_READ.isdisjoint(file.relative_to(folder).parts):
                texts += _written(file.read_text("utf-8", errors="replace"))
    for text in texts:
        yield from text.split("\n\n")


def counted() -> Scope:
    """The words and pairs of them, each with the number of paragraphs that it stands in."""
    analyze = analyzer_of("en")
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for paragraph in paragraphs():
        stems = analyze(paragraph)
        words.update({*raw_words(paragraph), *stems})
        pairs.update(set(pairs_of(stems)))
    return Scope(
        counts={word: float(number) for word, number in sorted(words.items()) if number >= 3},
        pairs={pair for pair, number in pairs.items() if number >= 8},
        num_words=sum(words.values()) / 2,  # most words count twice: as written, and stemmed
    )


def _written(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for comment in _COMMENTS.findall(code):
        if len(text := re.sub(r"(?m)^\s*#+", "", comment)) > _SHORTEST:
            yield text


if __name__ == "__main__":
    written = msgspec.json.encode(counted(), order="deterministic")
    file = Path(guard.__file__).parent / "presets" / "python.json.gz"
    file.write_bytes(gzip.compress(written, mtime=0))
    print(f"{file}: {file.stat().st_size:,} bytes")
