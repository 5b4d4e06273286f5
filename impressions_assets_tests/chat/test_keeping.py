"""What a tuning leaves, where the base is held in 4 bits. Those are CUDA's; all else runs here."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("trl")
pytest.importorskip("peft")

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import GenerationConfig

from impressions_assets.chat.evaluate import figures_of
from impressions_assets.chat.keeping import kept
from impressions_assets.chat.local_answerer import LocalAnswerer, placed, size_bytes_of
from impressions_assets.chat.run import ADAPTER, MERGED, ChatRun
from impressions_assets.chat.setting import Setting
from impressions_assets.chat.trainer import Training
from impressions_assets.gpt.ranks import Ranks
from impressions_assets_tests.chat.tiny import write_llama
from impressions_assets_tests.chat.tunings import PAIRS, prepared

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # trl and peft are imported


def tuned(setting: Setting) -> Any:
    """A base with an adapter that learned something, as a training leaves it."""
    config = LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM")
    model: Any = get_peft_model(setting.base.load(dtype=torch.float32), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model


def test_a_base_in_four_bits_answers_itself_and_is_merged_apart_from_it(tmp_path: Path) -> None:
    setting = Setting(ChatRun.load(prepared(tmp_path, method="lora")), Ranks())
    setting.plan = setting.plan._replace(method="qlora")
    model = tuned(setting)
    answers = kept(setting, cast(Training, SimpleNamespace(model=model)))
    assert answers is model
    assert isinstance(answers, PeftModel)
    tokenizer = setting.base.tokenizer
    figures = figures_of(LocalAnswerer("q", answers, tokenizer), answers, tokenizer, PAIRS[:2], 128)
    assert figures.num_pairs == 2
    assert (tmp_path / "out" / ADAPTER / "adapter_model.safetensors").exists()
    whole = LocalAnswerer.load(tmp_path / "out" / MERGED, device="cpu", dtype="float32")._model
    ids = torch.arange(20)[None]
    base = setting.base.load(dtype=torch.float32)
    assert torch.allclose(whole(ids).logits, answers(ids).logits, atol=0.1)
    assert not torch.allclose(whole(ids).logits, base(ids).logits, atol=0.1)


def test_what_ends_an_answer_of_the_base_ends_one_of_the_tuned_model_too(tmp_path: Path) -> None:
    """Gemma 3 and Llama 3.1 name several tokens, of which a template has one."""
    setting = Setting(ChatRun.load(prepared(tmp_path, method="lora")), Ranks())
    model, other = tuned(setting), setting.base.tokenizer.convert_tokens_to_ids("</s>")
    model.generation_config.eos_token_id = [setting.base.tokenizer.eos_token_id, other]
    kept(setting, cast(Training, SimpleNamespace(model=model)))
    ends = GenerationConfig.from_pretrained(tmp_path / "out" / MERGED)
    assert ends.eos_token_id == [setting.base.tokenizer.eos_token_id, other]


@pytest.mark.gpu
def test_weights_that_a_card_has_no_room_for_lie_elsewhere_too(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    folder = write_llama(tmp_path / "base")

    def load(**options: Any) -> Any:
        return AutoModelForCausalLM.from_pretrained(folder, **options)

    assert not hasattr(placed(load, size_bytes_of(folder), "cuda"), "hf_device_map")
    assert hasattr(placed(load, 10**15, "cuda"), "hf_device_map")
