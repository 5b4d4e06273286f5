"""The card of a model: what it learned from, how it was made, how good it is, how it is loaded.

As the dataset's card (`card.py`), it tells no date and no place: the same version, the same card.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from impressions_assets.channels.channel import Channel
from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.formats.card import CARD, MARK, as_yaml, licence_ids
from impressions_assets.formats.contents import table_of
from impressions_assets.formats.files import write_text
from impressions_assets.gpt.transformers_folder import read_meta
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Video
from impressions_assets.storage.forgetting import LEARNED
from impressions_assets.storage.records import Artifact

_MOST_LISTED = 500
_FIGURES = {
    "val_bits_per_byte": "bits per byte of validation text",
    "unigram_bits_per_byte": "the same of a model of single tokens",
    "best_val_loss": "validation loss, nats per token",
    "steps": "steps",
    "best_step": "the step of these weights",
    "num_parameters": "parameters",
    "train_tokens": "tokens of training text",
}
_SAID = {
    "repetition_rate": "share of a sample's 4-grams that it said before",
    "distinct_bigrams": "share of different bigrams in the samples",
    "longest_copied_tokens": "longest span copied from the training text, tokens",
}
_LOAD = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("PATH OF THIS FOLDER")
model = AutoModelForCausalLM.from_pretrained("PATH OF THIS FOLDER"{trust})
prompt = tokenizer(tokenizer.bos_token + "The idea is", split_special_tokens=False, \
return_tensors="pt")
print(tokenizer.decode(model.generate(**prompt)[0]))
```"""
_ALIEN = (
    "The tokenizer is of the kind `{kind}`, which matches the longest token at each place; no "
    "model of `tokenizers` does, so there are no tokenizer files here. `impressions generate` "
    "speaks with it."
)


def model_card(channel: ChannelReader, made: Artifact, checkpoint: Path, folder: Path) -> Path:
    """Write the card of a version of the model; return its path."""
    declared = read_channels(channel.home).channels.get(channel.name)
    learned = set(msgspec.json.decode((checkpoint / LEARNED).read_bytes(), type=list[str]))
    rows = channel.home.table("videos").rows(channel.name)
    videos = sorted((v for v in rows if v.video_id in learned), key=lambda v: v.published or "")
    licences = Counter(video.license or "not stated" for video in videos)
    head = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "license": licence_ids(licences),
        "language": sorted({v.language.split("-")[0].lower() for v in videos if v.language}),
        "tags": ["impressions", f"recipe-{read_meta(checkpoint).shape.recipe}"],
    }
    front = as_yaml({key: value for key, value in head.items() if value})
    parts = _parts(channel, declared, made, checkpoint, folder)
    about = _videos(videos, len(learned), licences)
    body = "\n\n".join(part for part in (*parts, *about) if part)
    return write_text(folder, CARD, f"---\n{MARK}\n{front}---\n\n{body}\n")


def _parts(
    channel: ChannelReader, declared: Channel | None, made: Artifact, checkpoint: Path, folder: Path
) -> Iterator[str]:
    meta, shape = read_meta(checkpoint)
    title = (declared and declared.title) or channel.name
    yield f"# {title}: version {made.version}"
    yield (
        f"A language model of {made.fact('num_parameters') or 0:,} parameters, trained on what a "
        "channel of videos says. It continues text in that manner; what it says is made up, and "
        "may contain spans of its training text word for word."
    )
    yield "## Permission"
    yield (declared.permission.strip() if declared else "") or (
        "**No permission is stated: do not publish this.** Words belong to those who said them. "
        "`permission` in channels.yaml says who allowed it, and how."
    )
    yield "## How to load it"
    trust = ", trust_remote_code=True" if shape.recipe == "modern" else ""
    has_tokenizer = (folder / "tokenizer.json").exists()
    kind = msgspec.json.decode((checkpoint / "tokenizer" / "tokenizer.json").read_bytes())["kind"]
    yield _LOAD.format(trust=trust) if has_tokenizer else _ALIEN.format(kind=kind)
    yield f"It was trained on windows of {meta['context']:,} tokens: beyond them it knows nothing."
    yield "## How good it is"
    yield table_of(("figure", "value"), _figures(channel, made))
    yield "## How it was made"
    yield table_of(("what", "digest or name"), _provenance(channel, made, meta, kind).items())
    settings = {"model": meta["model"], "training": meta["train"]}
    yield f"With Impressions {version('impressions-assets')}, by these settings:"
    yield f"```yaml\n{as_yaml(settings)}```"


def _figures(channel: ChannelReader, made: Artifact) -> Iterator[tuple[str, object]]:
    """What training and the latest evaluation of this version found."""
    evaluations = channel.home.artifacts(channel.name, "evaluation")
    ours = [row for row in evaluations if row.fact("checkpoint_version") == made.version]
    for source, names in ((made, _FIGURES), (ours[-1] if ours else None, _SAID)):
        for name, meaning in names.items():
            value = source.fact(name) if source else "not measured"
            if value is not None:
                yield meaning, round(value, 4) if isinstance(value, float) else value


def _provenance(
    channel: ChannelReader, made: Artifact, meta: Mapping[str, Any], kind: str
) -> dict[str, str]:
    weights = [file.digest for file in made.files if file.name == "model.safetensors"]
    start = made.fact("started_from_version")
    return {
        "channel": channel.name,
        "version of the model": str(made.version),
        "weights": weights[0],
        f"tokenizer ({kind})": meta["tokenizer"],
        "manifest of the token shards": meta["manifest"],
        "started from": f"version {start}" if start else made.fact("started_from") or "scratch",
    }


def _videos(videos: list[Video], num_learned: int, licences: Counter[str]) -> Iterator[str]:
    yield "## What it learned from"
    gone = num_learned - len(videos)
    yield f"{num_learned:,} videos" + (f", {gone:,} of which are not there any more." * bool(gone))
    yield table_of(("licence, as the video's source names it", "videos"), licences.most_common())
    rows = [(v.video_id, v.title, (v.published or "")[:10], v.license or "") for v in videos]
    yield table_of(("video", "title", "published", "licence"), rows[:_MOST_LISTED])
    if len(rows) > _MOST_LISTED:
        yield f"… and {len(rows) - _MOST_LISTED:,} more."
