r"""A tokenizer of ours as the files that transformers' `AutoTokenizer` reads, with the same ids.

Notable choices:
- tiktoken takes a whole word that is a token as it is, and else joins any two neighbours that make
  a token, the one of lowest rank first. So do `ignore_merges`, and a merge for each way to cut
  each token in two.
- Words and characters are a BPE without merges: a whole unit that is known, else its characters,
  each unknown one by itself. Where unknown words are marked, it is a list of words. Python's `\w`
  and `\s` are written out, for Oniguruma's hold others.
- Text that looks like a special token is text, as everywhere here: `split_special_tokens`.
- `json` matches the longest token at each place, which no model of `tokenizers` does.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from impressions_assets.errors import TokenizerError
from impressions_assets.gpt.bpe import BPETokenizer, bytes_of_letters
from impressions_assets.gpt.symbols import SymbolTokenizer
from impressions_assets.gpt.tokenizer import Tokenizer as Ours
from impressions_assets.gpt.vocabulary import END_OF_TEXT, UNKNOWN

_WORD = r"[\p{L}\p{N}_]"
_SPACE = r"[\s\x1c-\x1f]"
_UNITS = rf"{_WORD}+(?:['’]{_WORD}+)*|{_SPACE}+|[^\p{{L}}\p{{N}}_\s\x1c-\x1f]+"


def transformers_files(tokenizer: Ours, context: int) -> dict[str, str]:
    """The texts of tokenizer.json and tokenizer_config.json; none for a kind that cannot be told.

    `context` is the longest text, in tokens, that the model reads.
    """
    if isinstance(tokenizer, BPETokenizer):
        made = _byte_level(tokenizer)
    elif isinstance(tokenizer, SymbolTokenizer) and tokenizer.kind != "json":
        made = _symbols(tokenizer)
    else:
        return {}
    specials = tokenizer.card.specials
    for name in sorted(specials, key=lambda special: specials[special]):
        made.add_special_tokens([AddedToken(name, special=True, normalized=False)])
        if made.token_to_id(name) != specials[name]:
            raise TokenizerError(
                f"cannot write tokenizer {tokenizer.digest[:12]} for transformers: {name!r} would "
                f"get id {made.token_to_id(name)}, not {specials[name]}"
            )
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "model_max_length": context,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
    }
    if UNKNOWN in specials:
        settings["unk_token"] = UNKNOWN
    return {
        "tokenizer.json": made.to_str(pretty=True) + "\n",
        "tokenizer_config.json": json.dumps(settings, indent=2, sort_keys=True) + "\n",
    }


def check_same_ids(folder: Path, tokenizer: Ours) -> None:
    """Refuse a folder of transformers whose ids stand for other text than the tokenizer's.

    Raises:
        TokenizerError: it has no vocabulary, or another one; names the first id that differs.
    """
    vocabulary = _vocabulary_of(folder)
    letters = bytes_of_letters()
    specials = tokenizer.card.specials
    for token, index in vocabulary.items():
        if specials.get(token) == index:
            continue
        readings = {token.encode(errors="replace")}
        if all(letter in letters for letter in token):
            readings.add(bytes(letters[letter] for letter in token))
        if index >= tokenizer.vocab_size or tokenizer.token_bytes(index) not in readings:
            raise TokenizerError(
                f"the weights in {folder} speak another tokenizer: id {index} is {token!r} there; "
                f"in the {tokenizer.kind} tokenizer {tokenizer.digest[:12]} it is not. For GPT-2's "
                "weights write `tokenizer: {kind: gpt2}` into channels.yaml, then materialize "
                "tokenizer and token_shards"
            )


def _vocabulary_of(folder: Path) -> dict[str, int]:
    for name in ("vocab.json", "tokenizer.json"):
        try:
            found = json.loads((folder / name).read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise TokenizerError(f"cannot read {folder / name}: {error}") from error
        vocabulary: dict[str, int] = found if name == "vocab.json" else found["model"]["vocab"]
        return vocabulary
    raise TokenizerError(
        f"{folder} has neither vocab.json nor tokenizer.json, so nothing tells what its ids stand "
        "for; add the tokenizer's files"
    )


def _byte_level(tokenizer: BPETokenizer) -> Tokenizer:
    letter_of = {byte: letter for letter, byte in bytes_of_letters().items()}
    ranks = tokenizer.ranks
    written = {token: "".join(letter_of[byte] for byte in token) for token in ranks}
    merges = [(written[left], written[right]) for left, right in _merges(ranks)]
    model = models.BPE({written[t]: rank for t, rank in ranks.items()}, merges, ignore_merges=True)
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            _split(tokenizer.card.pattern),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _merges(ranks: dict[bytes, int]) -> Iterator[tuple[bytes, bytes]]:
    """Every pair of tokens that makes a token, in the order of the rank of what it makes."""
    for token in sorted(ranks, key=lambda one: ranks[one]):
        cuts = ((token[:place], token[place:]) for place in range(1, len(token)))
        pairs = [pair for pair in cuts if pair[0] in ranks and pair[1] in ranks]
        yield from sorted(pairs, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))


def _symbols(tokenizer: SymbolTokenizer) -> Tokenizer:
    vocabulary = tokenizer.ids | {UNKNOWN: tokenizer.card.specials[UNKNOWN]}
    splits = [_split(_UNITS if tokenizer.kind == "words" else r"[\s\S]")]
    if tokenizer.card.unknown_words == "mark":
        made = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
        splits.append(_split(_whole_or_spelled(tokenizer.ids)))
    else:
        model = models.BPE(vocabulary, [], unk_token=UNKNOWN, fuse_unk=False, ignore_merges=True)
        made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Sequence(splits)
    made.decoder = decoders.Fuse()
    return made


def _whole_or_spelled(ids: Iterable[str]) -> str:
    """Words stay whole, known or not; what stands between them only where it is known."""
    known = "|".join(re.escape(token) for token in ids if len(token) > 1)
    return rf"\A{_WORD}[\s\S]*\z|\A(?:{known})\z|[\s\S]"


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), "isolated")
