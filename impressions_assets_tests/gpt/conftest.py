"""A small corpus for trainings: sentences of a made-up weather report, as shards on disk."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.gpt.manifest import write_manifest
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.shard_plan import DocumentRef, plan_shards
from impressions_assets.gpt.shards import manifest_of, write_shard
from impressions_assets.gpt.tokenizer import Tokenizer, train_tokenizer
from impressions_assets.rows import Document
from impressions_assets_tests.gpt.driving import trained

SMALL = ModelConfig(n_layer=2, n_head=2, n_embd=32, block_size=16, dropout=0.1)
SHORT = TrainConfig(
    max_iters=30,
    eval_interval=10,
    log_interval=1,
    eval_iters=4,
    batch_size=4,
    device="cpu",
    tensorboard=False,
)


@dataclass(frozen=True)
class Corpus:
    folder: Path
    tokenizer: Tokenizer

    @property
    def shards_dir(self) -> Path:
        return self.folder / "shards"

    @property
    def tokenizer_dir(self) -> Path:
        return self.folder / "tokenizer"

    def run(self, out_dir: Path | None = None, /, **settings) -> TrainingRun:
        """A short run; settings go to the training, the model or the run, by their names."""
        model = {k: v for k, v in settings.items() if k in ModelConfig.model_fields}
        train = {k: v for k, v in settings.items() if k in TrainConfig.model_fields}
        rest = {k: v for k, v in settings.items() if k not in model and k not in train}
        return TrainingRun(
            shards_dir=self.shards_dir,
            tokenizer_dir=self.tokenizer_dir,
            out_dir=out_dir,
            model=ModelConfig(**(SMALL.model_dump() | model)),
            train=TrainConfig(**(SHORT.model_dump() | train)),
            **({"sample_tokens": 0} | rest),
        )


def weather(number: int, num_sentences: int = 12) -> str:
    chance = random.Random(number)
    places = ["the coast", "the hills", "the old town", "the valley"]
    skies = ["clear", "grey", "heavy with rain", "bright again"]
    days = ["In the morning", "At noon", "By the evening", "All night"]
    sentences = [
        f"{chance.choice(days)} the sky over {chance.choice(places)} is {chance.choice(skies)}."
        for _ in range(num_sentences)
    ]
    return " ".join(sentences)


def write_corpus(folder: Path, texts: dict[str, str], val: frozenset[str] = frozenset()) -> Corpus:
    """Shards of the texts under a character tokenizer; `val` names those held out."""
    shards_dir, tokenizer_dir = folder / "shards", folder / "tokenizer"
    shards_dir.mkdir(parents=True)
    tokenizer_dir.mkdir()
    tokenizer = train_tokenizer(texts.values(), "characters")
    tokenizer.save(tokenizer_dir)
    documents = {
        name: Document(video_id=name, text=text, split="val" if name in val else "train")
        for name, text in texts.items()
    }
    refs = [DocumentRef(video_id=n, digest="d", split=d.split) for n, d in documents.items()]
    shards = [
        write_shard(shards_dir, plan, [documents[name] for name in plan.video_ids], tokenizer)
        for plan in plan_shards(refs, tokenizer.digest)
    ]
    write_manifest(shards_dir, manifest_of(tokenizer, shards))
    return Corpus(folder, tokenizer)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    texts = {f"report{number}": weather(number) for number in range(10)}
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(folder, texts, val=frozenset(["report3", "report7"]))


@pytest.fixture(scope="session")
def uninterrupted(corpus, tmp_path_factory) -> tuple[Path, TrainingResult]:
    out_dir = tmp_path_factory.mktemp("uninterrupted")
    return out_dir, trained(corpus.run(out_dir))


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Corpus]:
    def make(texts: dict[str, str], val: frozenset[str] = frozenset()) -> Corpus:
        return write_corpus(tmp_path / "other", texts, val)

    return make
