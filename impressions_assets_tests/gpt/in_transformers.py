"""A process that loads folders with transformers' own classes, and says what they answer.

A process, since importing transformers takes seconds, reads HF_HOME once, and warns.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def answers(folder: Path, ids: list[list[int]], texts: list[str]) -> dict:
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, trust_remote_code=True, output_loading_info=True
    )
    batch = torch.tensor(ids)
    with torch.inference_mode():
        logits = model(batch).logits
        greedy = {"do_sample": False, "max_new_tokens": 6, "eos_token_id": None}
        mask = torch.ones_like(batch)
        said = model.generate(batch[:, :4], attention_mask=mask[:, :4], **greedy)
        padded = torch.cat((torch.zeros_like(batch[:, :3]), batch[:, :4]), dim=1)
        seen = torch.cat((torch.zeros_like(mask[:, :3]), mask[:, :4]), dim=1)
        said_padded = model.generate(padded, attention_mask=seen, **greedy)[:, 3:]
    found = {
        "class": type(model).__name__,
        "loading": {key: sorted(map(str, value)) for key, value in loading.items() if value},
        "logits": logits.tolist(),
        "said": said.tolist(),
        "said_after_padding": said_padded.tolist(),
    }
    if (folder / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        found["ids"] = [tokenizer.encode(text) for text in texts]
        found["texts"] = [tokenizer.decode(one) for one in found["ids"]]
        found["end"] = tokenizer.eos_token_id
    return found


if __name__ == "__main__":
    request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    replies = {
        folder: answers(Path(folder), request["ids"], request["texts"])
        for folder in request["folders"]
    }
    Path(sys.argv[2]).write_text(json.dumps(replies), encoding="utf-8")
