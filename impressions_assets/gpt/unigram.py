"""The baseline that a model must beat: token frequencies alone, without any context."""

import math

import numpy as np

from impressions_assets.gpt.loader import TokenStream


def unigram_bits_per_byte(
    train: TokenStream, val: TokenStream, vocab_size: int, val_bytes: int
) -> float:
    """Bits per byte of the validation text under the training text's frequencies.

    Add-one smoothing, so that a token which training never saw costs much but not everything.
    """
    seen = train.counts(vocab_size) + 1
    nats_of_token = np.log(seen.sum()) - np.log(seen)
    nats = float(val.counts(vocab_size) @ nats_of_token)
    return nats / (math.log(2) * val_bytes)
