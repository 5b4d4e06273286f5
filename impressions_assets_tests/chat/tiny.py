"""Models of transformers that are made on the spot: a few thousand weights, and a tokenizer."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

POOLINGS = ("mean_tokens", "cls_token", "max_tokens")


def write_llama(
    folder: Path,
    texts: Iterable[str] = (),
    *,
    template: str | None = CHATML,
    pad: bool = True,
    context: int = 128,
    width: int = 32,
) -> Path:
    """Write an untrained Llama, whose tokenizer is a byte-level BPE of some texts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    specials = ["</s>", "<|im_start|>", "<|im_end|>", *(["<pad>"] if pad else [])]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>" if template else "</s>",
        pad_token="<pad>" if pad else None,
        model_max_length=context,
    )
    tokenizer.chat_template = template
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=made.get_vocab_size(),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_encoder(
    folder: Path, texts: Iterable[str] = (), pooling: str | None = "mean_tokens"
) -> Path:
    """Write an untrained BERT that reads whole words, with the card of sentence-transformers."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    made = Tokenizer(
        models.WordLevel(
            {word: at for at, word in enumerate(["[PAD]", "[UNK]", *words])}, unk_token="[UNK]"
        )
    )
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", model_max_length=32
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=made.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if pooling:
        modes = {f"pooling_mode_{mode}": mode == pooling for mode in POOLINGS}
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes), "utf-8")
    return folder
