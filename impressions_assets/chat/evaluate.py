"""How well a chat model answers pairs: likelihood, overlap, repetition, latency."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from impressions_assets.chat.answerer import Sampling, Tally
from impressions_assets.chat.exchanges import MASKED, Exchange, examples_of, fitting
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.run import Answered, Figures
from impressions_assets.chat.words import raw_words
from impressions_assets.gpt.originality import repetition_rate

RIGHT = 0.8  # overlap from which on an answer counts as right
_MOST_TOKENS = 200


def figures_of(
    answerer: LocalAnswerer, model: Any, tokenizer: Any, pairs: Sequence[Exchange], longest: int
) -> Figures:
    """What the model says to the pairs' questions, likeliest token by token, and how good it is.

    Questions and passages are asked as they are learned, no longer than half of the context.
    """
    if not pairs:
        return Figures()
    answers, free, stopped, firsts, rates, ended = [], [], [], [], [], 0
    for pair in pairs:
        prompt, _ = fitting(tokenizer, pair, longest)
        most = min(_MOST_TOKENS, answerer.context - len(prompt))
        began, tally = time.perf_counter(), Tally()
        pieces = answerer.after(prompt, Sampling(most, may_loop=True, tally=tally))
        said = [next(pieces, "")]
        firsts.append(time.perf_counter() - began)
        said += pieces
        seconds = time.perf_counter() - began
        looping = "".join(said)
        text = "".join(answerer.after(prompt, Sampling(most)))
        ids = tokenizer(looping, add_special_tokens=False)["input_ids"]
        ended += not tally.is_cut
        rates.append(len(ids) / seconds)
        free.append(ids)
        stopped.append(tokenizer(text, add_special_tokens=False)["input_ids"])
        answers.append(Answered(question=pair.question, expected=pair.answer, said=text))
    overlaps = [overlap(one.said, one.expected) for one in answers]
    return Figures(
        num_pairs=len(pairs),
        bits_per_byte=bits_per_byte(model, tokenizer, pairs, longest),
        overlap=round(fmean(overlaps), 4),
        share_right=round(fmean(found >= RIGHT for found in overlaps), 4),
        repetition_rate=round(repetition_rate(free), 4),
        repetition_rate_stopped=round(repetition_rate(stopped), 4),
        share_ended=round(ended / len(pairs), 4),
        seconds_to_first_token=round(fmean(firsts), 4),
        tokens_per_second=round(fmean(rates), 1),
        answers=tuple(answers),
    )


def overlap(said: str, expected: str) -> float:
    """F1 of the words of two answers (Rajpurkar et al. 2016), 0 to 1."""
    ours, theirs = Counter(raw_words(said)), Counter(raw_words(expected))
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


@torch.inference_mode()
def bits_per_byte(
    model: Any, tokenizer: Any, pairs: Sequence[Exchange], longest: int
) -> float | None:
    """Bits that a byte of the answers costs; None without pairs. Less is likelier."""
    if not pairs:
        return None
    was_training = model.training
    model.eval()
    nats = 0.0
    for row in examples_of(tokenizer, pairs, longest).rows:
        ids = torch.tensor([row.input_ids], device=model.device)
        labels = torch.tensor([row.labels], device=model.device)
        num = int((labels[:, 1:] != MASKED).sum())
        if num:
            nats += float(model(input_ids=ids, labels=labels).loss) * num
    model.train(was_training)
    num_bytes = sum(len(pair.answer.encode()) for pair in pairs)
    return round(nats / math.log(2) / max(1, num_bytes), 4)
