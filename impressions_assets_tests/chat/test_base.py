"""What a base lacks to answer, and how it gets it."""

from pathlib import Path

import pytest

pytest.importorskip("transformers")

from impressions_assets.chat.base import open_base
from impressions_assets.chat.exchanges import MASKED, Exchange, examples_of
from impressions_assets.chat.prompts import PLAIN
from impressions_assets.errors import ConfigError
from impressions_assets_tests.chat.tiny import CHATML, write_llama

PAIR = Exchange(video_id="a", split="train", question="Why?", answer="Because.")


def test_a_base_without_template_and_padding_gets_plain_ones_that_are_saved(tmp_path: Path) -> None:
    base = open_base(str(write_llama(tmp_path / "base", template=None, pad=False)))
    tokenizer = base.tokenizer
    assert (tokenizer.chat_template, tokenizer.pad_token) == (PLAIN, "</s>")
    assert base.load().config.pad_token_id == tokenizer.eos_token_id
    [row] = examples_of(tokenizer, [PAIR], 64).rows
    # What fills up is also what ends: it is learned, since no loss is masked by its name.
    assert [label for label in row.labels if label != MASKED][-1] == tokenizer.eos_token_id
    assert tokenizer.decode(row.input_ids) == "Q: Why?\nA: Because.</s>"
    tokenizer.save_pretrained(tmp_path / "saved")
    assert "Q: {{" in (tmp_path / "saved" / "chat_template.jinja").read_text("utf-8")


def test_a_base_keeps_its_own_template_and_padding_unless_told_otherwise(tmp_path: Path) -> None:
    folder = str(write_llama(tmp_path / "base"))
    assert open_base(folder).tokenizer.chat_template == CHATML
    assert open_base(folder).tokenizer.pad_token == "<pad>"
    told = open_base(folder, plain=True, padding="</s>").tokenizer
    assert (told.chat_template, told.pad_token) == (PLAIN, "</s>")


def test_a_base_that_cannot_end_or_be_read_is_refused(tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "base")
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text("utf-8").replace('"eos_token": "<|im_end|>",', ""), "utf-8")
    with pytest.raises(ConfigError, match="eos_token"):
        open_base(str(folder))
    (folder / "tokenizer.json").write_text("{}")
    config.unlink()
    with pytest.raises(ConfigError, match="no tokenizer that can be loaded"):
        open_base(str(folder))
