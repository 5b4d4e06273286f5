"""Text to ids and back: what a tokenizer is, and how one is loaded, trained or made by its name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.bpe import NAMED_FILES, load_bpe, named_bpe, train_bpe
from impressions_assets.gpt.symbols import (
    learn_characters,
    learn_words,
    load_symbols,
    read_json_vocabulary,
)
from impressions_assets.gpt.vocabulary import UnknownWords, VocabularyTokenizer, read_saved

Tokenizer: TypeAlias = VocabularyTokenizer
TrainedKind = Literal["bpe", "characters", "words"]
TokenizerKind = Literal["bpe", "gpt2", "cl100k_base", "o200k_base", "characters", "words", "json"]


def load_tokenizer(name_or_path: str | Path) -> Tokenizer:
    """Return gpt2, cl100k_base or o200k_base by name, or the tokenizer saved in a folder.

    Raises TokenizerError when a file is missing or does not have its digest, and names it.
    """
    if str(name_or_path) in NAMED_FILES:
        return named_bpe(str(name_or_path))
    folder = Path(name_or_path)
    kind = read_saved(folder)[0].kind
    if kind in ("characters", "words", "json"):
        return load_symbols(folder)
    if kind == "bpe" or kind in NAMED_FILES:
        return load_bpe(folder)
    raise TokenizerError(f"cannot load tokenizer {folder}: its kind {kind!r} is none of ours")


def train_tokenizer(
    texts: Iterable[str],
    kind: TrainedKind = "bpe",
    vocab_size: int = 8192,
    unknown_words: UnknownWords = "characters",
) -> Tokenizer:
    """Train a tokenizer on the texts, which are read once and never held; same texts, same bytes.

    `characters` keeps every code point seen, whatever `vocab_size` says. `words` spells a word that
    it has not in characters, or marks it as one unknown, as `unknown_words` says.
    """
    if kind == "characters":
        return learn_characters(texts)
    if kind == "words":
        return learn_words(texts, vocab_size, unknown_words)
    return train_bpe(texts, vocab_size)


def make_tokenizer(
    kind: TokenizerKind,
    texts: Iterable[str],
    vocab_size: int = 8192,
    path: Path | None = None,
    unknown_words: UnknownWords = "characters",
) -> Tokenizer:
    """Return a tokenizer of any kind that channels.yaml allows; `path` is the file of `json`."""
    if kind == "json":
        if path is None:
            raise TokenizerError("cannot make a json tokenizer: it needs the path of its JSON file")
        return read_json_vocabulary(path)
    if kind == "bpe" or kind == "characters" or kind == "words":
        return train_tokenizer(texts, kind, vocab_size, unknown_words)
    return load_tokenizer(kind)
