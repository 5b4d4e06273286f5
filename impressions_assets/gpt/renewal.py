"""When a tokenizer is trained anew: rarely, for its ids are in every shard and checkpoint."""


def must_train(
    same_settings: bool, num_characters: int, trained_on_characters: int, retokenize_at: float
) -> bool:
    """Say whether the settings changed, or the text outgrew what the tokenizer saw."""
    return not same_settings or num_characters >= retokenize_at * trained_on_characters
