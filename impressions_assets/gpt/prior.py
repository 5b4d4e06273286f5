"""What frequencies alone say of the next token: where a fresh model begins.

A head that begins at zero finds all tokens equally likely, and learns in its first steps how
frequent each is. Given that from the start, it learns what context says. A token that the training
text never holds has the share of an unseen one by Good and Turing: together, they are as likely as
those that were seen once (Good 1953).
"""

import torch
from torch import Tensor


def log_frequencies(counts_V: Tensor) -> Tensor:
    """Logarithms of probabilities from counts, (V,); they add up to one."""
    num_tokens, num_unseen = counts_V.sum(), int((counts_V == 0).sum())
    if not num_unseen:
        return (counts_V / num_tokens).log()
    once = max(1, int((counts_V == 1).sum()))
    unseen = min(0.5, once / float(num_tokens))
    shares_V = torch.where(counts_V > 0, counts_V / num_tokens * (1 - unseen), unseen / num_unseen)
    return shares_V.log()
