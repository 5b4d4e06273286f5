"""A tiny model that was taught some answers by heart, in seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impressions_assets.chat.answerer import Message
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.prompts import answer_frame, prompt_ids
from impressions_assets_tests.chat.tiny import write_llama


def taught(folder: Path, answers: Mapping[str, str], steps: int = 150) -> LocalAnswerer:
    """Train until each question is answered by its answer, on the answers alone."""
    import torch

    texts = [text for pair in answers.items() for text in pair]
    write_llama(folder, texts, context=512, width=96)
    answerer = LocalAnswerer.load(folder, "taught", "cpu", "float32")
    model, tokenizer = answerer._model.train(), answerer._tokenizer
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rows = [_row(tokenizer, question, answer) for question, answer in answers.items()]
    for _ in range(steps):
        for ids, labels in rows:
            loss = model(input_ids=ids, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    return answerer


def _row(tokenizer: Any, question: str, answer: str) -> tuple[Any, Any]:
    import torch

    prompt = prompt_ids(tokenizer, [Message("user", question)])
    said = [
        *tokenizer(answer, add_special_tokens=False)["input_ids"],
        answer_frame(tokenizer).end_ids[0],
    ]
    return torch.tensor([prompt + said]), torch.tensor([[-100] * len(prompt) + said])
