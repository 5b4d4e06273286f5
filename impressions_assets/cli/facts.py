"""What a materialization says of itself, in a few words for one line."""

from collections.abc import Mapping
from typing import Any


def said_of(asset: str, facts: Mapping[str, Any]) -> str:
    """Sum up the metadata of a materialization."""
    said = _SAID.get(asset, _table)
    return said(facts)


def _table(facts: Mapping[str, Any]) -> str:
    rows, computed = facts.get("dagster/row_count", 0), facts.get("computed", 0)
    parts = [
        f"{rows:,} row{'s' * (rows != 1)}",
        f"{computed:,} computed" if computed else "nothing to compute",
    ]
    for name in ("removed", "failed"):
        if facts.get(name):
            parts.append(f"{facts[name]:,} {name}")
    return ", ".join(parts)


def _tokenizer(facts: Mapping[str, Any]) -> str:
    return f"{facts['kind']}, {facts['vocab_size']:,} tokens, version {facts['version']}"


def _token_shards(facts: Mapping[str, Any]) -> str:
    new, shards = facts["rewritten_shards"], facts["shards"]
    return (
        f"{facts['train_tokens']:,} tokens to train on, {facts['val_tokens']:,} to validate,"
        f" {new} of {shards} shards written"
    )


def _checkpoint(facts: Mapping[str, Any]) -> str:
    promoted = "promoted" if facts.get("promoted") else "kept, not promoted: another is better"
    return (
        f"{_bits(facts)}, {facts['steps']:,} steps at {facts['tokens_per_second']:,} tokens/s,"
        f" version {facts['version']} ({promoted})"
    )


def _evaluation(facts: Mapping[str, Any]) -> str:
    return f"{_bits(facts)}, version {facts['version']}"


def _samples(facts: Mapping[str, Any]) -> str:
    return f"of version {facts['version']}"


def _bits(facts: Mapping[str, Any]) -> str:
    bits, unigram = facts.get("bits_per_byte"), facts.get("unigram_bits_per_byte")
    if not isinstance(bits, float):
        return "no validation text"
    beside = f" (unigram {unigram:.2f})" if isinstance(unigram, float) else ""
    return f"{bits:.2f} bits per byte{beside}"


_SAID = {
    "tokenizer": _tokenizer,
    "token_shards": _token_shards,
    "checkpoint": _checkpoint,
    "evaluation": _evaluation,
    "samples": _samples,
}
