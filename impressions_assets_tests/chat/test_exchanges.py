import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from tokenizers import AddedToken

from impressions_assets.chat.exchanges import (
    MASKED,
    Example,
    Exchange,
    Found,
    examples_of,
    load_exchanges,
    save_exchanges,
)
from impressions_assets.chat.prompts import PLAIN, answer_frame
from impressions_assets_tests.chat.tiny import CHATML, write_llama


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(write_llama(tmp_path_factory.mktemp("base") / "llama"))


def pair(answer: str, question: str = "Why?", **more: Any) -> Exchange:
    return Exchange(video_id="a", split="train", question=question, answer=answer, **more)


def learned(rows: list[Example]) -> list[int]:
    """Labels that count: what begins a row is predicted from nothing."""
    return [label for row in rows for label in row.labels[1:] if label != MASKED]


@pytest.mark.parametrize("template", [CHATML, PLAIN])
def test_loss_is_on_the_answer_and_on_the_token_that_ends_it(tokenizer: Any, template: str) -> None:
    tokenizer.chat_template = template
    [row] = examples_of(tokenizer, [pair("Because it is so.")], 128).rows
    lead, end = (" ", "<|im_end|>") if template == PLAIN else ("", "<|im_end|>")
    assert tokenizer.decode(learned([row])) == f"{lead}Because it is so.{end}"
    masked = [i for i, label in zip(row.input_ids, row.labels, strict=True) if label == MASKED]
    assert tokenizer.decode(masked).endswith("A:" if template == PLAIN else "assistant\n")
    assert all(label in (MASKED, i) for i, label in zip(*row, strict=True))


def test_a_mark_that_only_the_list_of_added_tokens_has_ends_an_answer(tokenizer: Any) -> None:
    """As in Gemma 3, whose `<end_of_turn>` is none of the tokenizer's named special tokens."""
    gemma = copy.deepcopy(tokenizer)
    gemma.eos_token = "</s>"
    gemma.add_tokens([AddedToken("<end_of_turn>", special=True), AddedToken("\n\n")])
    [end] = gemma.convert_tokens_to_ids(["<end_of_turn>"])
    assert end not in gemma.all_special_ids
    gemma.chat_template = CHATML.replace("<|im_end|>", "<end_of_turn>")
    assert answer_frame(gemma).end_ids[0] == end
    gemma.chat_template = CHATML.replace("<|im_end|>", "\n\n")  # a blank that is a token
    assert answer_frame(gemma).end_ids == [gemma.eos_token_id]


@given(st.text(max_size=300), st.text("abc ", min_size=1, max_size=200), st.integers(16, 128))
def test_no_token_of_an_answer_is_lost_or_learned_twice(
    tokenizer: Any, answer: str, question: str, longest: int
) -> None:
    tokenizer.chat_template = CHATML
    made = examples_of(tokenizer, [pair(answer, question)], longest)
    whole = tokenizer(answer, add_special_tokens=False)["input_ids"]
    assert learned(made.rows) == [*whole, tokenizer.eos_token_id]
    assert made.num_lost_tokens == 0
    assert made.num_answer_tokens == len(whole) + 1
    assert max(len(row.input_ids) for row in made.rows) <= longest


def test_a_long_question_leaves_room_and_says_how_much_was_cut(tokenizer: Any) -> None:
    tokenizer.chat_template = CHATML
    asked = pair("Yes.", "word " * 500, passages=(Found("v", "passage " * 50),))
    made = examples_of(tokenizer, [asked], 64)
    assert made.num_cut_prompt_tokens > 400
    assert made.num_lost_tokens == 0
    assert all(len(row.input_ids) <= 64 for row in made.rows)


def test_a_document_is_learned_whole_without_a_question(tokenizer: Any) -> None:
    tokenizer.chat_template = CHATML
    made = examples_of(tokenizer, [Exchange(video_id="a", split="val", answer="talk " * 99)], 32)
    assert tokenizer.decode(learned(made.rows)).startswith("talk talk")
    assert made.rows[0].labels[0] == MASKED  # else its first word would count, and not be learned
    assert made.rows[0].input_ids[0] == tokenizer.eos_token_id
    assert made.num_lost_tokens == 0


def test_passages_stand_before_the_question(tokenizer: Any) -> None:
    tokenizer.chat_template = PLAIN
    [row] = examples_of(
        tokenizer, [pair("Yes.", passages=(Found("v", "one\ntwo"), Found("w", "three")))], 1000
    ).rows
    text = tokenizer.decode(row.input_ids)
    assert text.index("[1] one two") < text.index("[2] three") < text.index("Why?")


def test_exchanges_come_back_from_their_file(tmp_path: Path) -> None:
    ones = [pair("Größe\n«1»", passages=(Found("v", "p"),)), pair("b")]
    save_exchanges(tmp_path / "x.jsonl", ones)
    assert load_exchanges(tmp_path / "x.jsonl") == ones
