"""The card of a chat model: what it is, what it learned, how well it answers, how it is loaded."""

from collections.abc import Iterator

from impressions_assets.chat.run import ChatResult, Figures

_SHOWN = {
    "num_pairs": "pairs",
    "bits_per_byte": "bits per byte of the answers",
    "base_bits_per_byte": "the same before it was tuned",
    "overlap": "overlap of words with the answer that was given (F1)",
    "share_right": "answers whose overlap is 0.8 or more",
    "repetition_rate": "share of 4-grams that an answer said before",
    "repetition_rate_stopped": "the same where a loop ends the answer",
    "share_ended": "answers that the model ended itself",
}


def chat_card(channel: str, variant: str, permission: str, result: ChatResult) -> str:
    """The README.md of a chat model; it tells no date and no place."""
    return "\n\n".join(_parts(channel, variant, permission, result)) + "\n"


def _parts(channel: str, variant: str, permission: str, result: ChatResult) -> Iterator[str]:
    yield "---\nlibrary_name: transformers\npipeline_tag: text-generation\n---"
    yield f"# {channel}: chat model {variant}"
    yield (
        f"A language model of {result.num_parameters:,} parameters, tuned ({result.method}) from"
        f" `{result.base}` on {result.num_pairs:,} questions and answers of a channel of videos."
        " What it says is made up, and may contain spans of the answers word for word."
    )
    yield "## Permission"
    yield permission.strip() or (
        "**No permission is stated: do not publish this.** Words belong to those who said them."
    )
    yield "## How to load it"
    yield (
        "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'tokenizer = AutoTokenizer.from_pretrained("PATH OF THIS FOLDER")\n'
        'model = AutoModelForCausalLM.from_pretrained("PATH OF THIS FOLDER")\n'
        'asked = [{"role": "user", "content": "What is a token?"}]\n'
        "prompt = tokenizer.apply_chat_template(\n"
        '    asked, add_generation_prompt=True, return_tensors="pt", return_dict=True\n)\n'
        "said = model.generate(**prompt, max_new_tokens=200, do_sample=False)[0]\n"
        'print(tokenizer.decode(said[prompt["input_ids"].shape[1]:], skip_special_tokens=True))\n'
        "```"
    )
    yield "## How well it answers"
    yield "| figure | pairs it learned | pairs of other videos |\n|---|---|---|\n" + "\n".join(
        f"| {meaning} | {_cell(result.trained, name)} | {_cell(result.held_out, name)} |"
        for name, meaning in _SHOWN.items()
    )
    yield "## How it was made"
    yield (
        f"{result.steps:,} steps ({result.epochs:g} epochs) of {result.num_examples:,} examples of"
        f" at most {result.max_length:,} tokens, on {result.device} in {result.precision};"
        f" {result.num_trained_parameters:,} parameters were trained. Loss was on"
        f" {result.num_labels:,} tokens of answers; {result.num_lost_tokens:,} were lost, and"
        f" {result.num_cut_prompt_tokens:,} of questions cut."
    )


def _cell(figures: Figures, name: str) -> str:
    value = getattr(figures, name)
    return "not measured" if value is None else f"{value:g}"
