"""The assets `evaluation` and `samples`: how good the promoted model is, and how it speaks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dagster as dg

from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.assets.training import KIND, RESULT
from impressions_assets.gpt.assess import Assessment, Request
from impressions_assets.gpt.curve import versions_curve
from impressions_assets.gpt.run import TrainingResult
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact

VERSION = 3
NUM_TOKENS = 200
FOUND = "found.json"
SAID = ("repetition_rate", "distinct_bigrams", "longest_copied_tokens")
UNPROMPTED = ("",) * 4
COMPARED = 5  # versions at most, beside the promoted one


@channel_asset(
    group="gpt",
    kinds={"pytorch"},
    version=VERSION,
    deps=["checkpoint", "token_shards"],
    checks={
        "no_worse_than_before": "On today's validation text, neither the promoted version nor the "
        "newest is worse than another of the latest.",
    },
)
def evaluation(
    context: dg.AssetExecutionContext, impressions: Impressions, children: Children
) -> Materialized:
    """How well the model predicts, repeats itself and copies, beside its earlier versions."""
    home, name = impressions.home, context.partition_key
    model = home.version(name, KIND)
    shards = home.version(name, "token_shards")
    versions = home.artifacts(name, KIND)
    others = [v for v in versions[-COMPARED:] if v != model and not home.store.missing(v.files)]
    made_from = digest_of(
        "evaluation", VERSION, model.digest, shards.digest, [other.digest for other in others]
    )
    texts = _Texts(shards, home.version(name, "tokenizer", shards.fact("tokenizer_version")))
    found = _found(
        context, impressions, children, made_from, model, UNPROMPTED, texts=texts, others=others
    )
    scores = _scores(model, found)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made_from),
        metadata={
            "bits_per_byte": found.bits_per_byte or "no validation text",
            "unigram_bits_per_byte": found.unigram_bits_per_byte or "no validation text",
            "version": model.version,
            **_of_samples(found),
            "versions": dg.MetadataValue.table(_records(home, name, versions, scores)),
            "versions_curve": dg.MetadataValue.md(_versions_curve(impressions, versions)),
        },
        check_results=[
            passed(
                "no_worse_than_before",
                are_no_worse(scores, (model.version, versions[-1].version)),
                warn=True,
                bits_per_byte={str(version): bits for version, bits in sorted(scores.items())},
            )
        ],
    )


def are_no_worse(scores: Mapping[int, float], versions: Sequence[int]) -> bool:
    """Say whether these versions score as well as the best, but for a thousandth."""
    return all(scores[v] <= min(scores.values()) * 1.001 for v in versions if v in scores)


@channel_asset(group="gpt", kinds={"pytorch"}, version=VERSION, deps=["checkpoint", "videos"])
def samples(
    context: dg.AssetExecutionContext, impressions: Impressions, children: Children
) -> Materialized:
    """What the promoted model says, unprompted and after the titles of videos."""
    home, name = impressions.home, context.partition_key
    model = home.version(name, KIND)
    titles = [title for (title,) in home.table("videos").columns(name, "title") if title]
    prompts = ("", *(f"{title}.\n\n" for title in titles[:2]))
    made_from = digest_of("samples", VERSION, model.digest, prompts)
    found = _found(context, impressions, children, made_from, model, prompts)
    texts = [f"{sample.prompt}{sample.text}" for sample in found.samples]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made_from),
        metadata={
            "version": model.version,
            "samples": dg.MetadataValue.md("\n\n---\n\n".join(texts)),
        },
    )


class _Texts(NamedTuple):
    """What a model is measured on."""

    shards: Artifact
    tokenizer: Artifact


def _found(
    context: dg.AssetExecutionContext,
    impressions: Impressions,
    children: Children,
    made_from: str,
    model: Artifact,
    prompts: Sequence[str],
    *,
    texts: _Texts | None = None,
    others: Sequence[Artifact] = (),
) -> Assessment:
    """Look at a model; what was found of the same model before is not looked for again."""
    home, channel, kind = impressions.home, context.partition_key, context.asset_key.path[-1]
    known = [made for made in home.artifacts(channel, kind) if made.made_from == made_from]
    with impressions.workspace() as folder:
        if known and not home.store.missing(known[-1].files):
            home.promote(channel, kind, known[-1].version)  # an older model may speak again
            home.store.fetch(known[-1].files, folder)
            return Assessment.load(folder / FOUND)

        def fetched(made: Artifact, name: str) -> str:
            return str(home.store.fetch(made.files, folder / name))

        request = Request(
            checkpoint_dir=fetched(model, "checkpoint"),
            shards_dir=fetched(texts.shards, "shards") if texts else None,
            tokenizer_dir=fetched(texts.tokenizer, "tokenizer") if texts else None,
            others={other.version: fetched(other, f"other-{other.version}") for other in others},
            prompts=tuple(prompts),
            num_tokens=NUM_TOKENS,
            out=str(folder / FOUND),
        )
        request.save(folder / "assess.json")
        with impressions.cards(request.device, context.log.info) as shown:
            assess = folder / "assess.json"
            children.run(context, "impressions_assets.gpt.assess", assess, shown)
        found = Assessment.load(folder / FOUND)
        facts = {
            "checkpoint_version": model.version,
            "scores": _scores(model, found),
            **_of_samples(found),
        }
        files = {FOUND: folder / FOUND}
        home.publish(channel, kind, files, made_from=made_from, facts=facts)
        return found


def _scores(model: Artifact, found: Assessment) -> dict[int, float]:
    """Bits per byte of versions on one text; none where there is none."""
    bits = found.bits_per_byte
    return {} if bits is None else {**found.others, model.version: bits}


def _of_samples(found: Assessment) -> dict[str, float]:
    figures = {name: getattr(found, name) for name in SAID}
    return {name: round(figure, 4) for name, figure in figures.items() if figure is not None}


def _records(
    home: Home, channel: str, versions: Sequence[Artifact], scores: Mapping[int, float]
) -> list[dg.TableRecord]:
    """A row per version: its training, its score today, and what was last found in its samples."""
    evaluations = home.artifacts(channel, "evaluation")
    of_version = {made.fact("checkpoint_version"): made for made in evaluations}
    return [_record(v, of_version.get(v.version), scores.get(v.version)) for v in versions]


def _record(version: Artifact, evaluated: Artifact | None, score: float | None) -> dg.TableRecord:
    names = ("val_bits_per_byte", "steps", "num_parameters", "train_tokens")
    facts = {name: version.fact(name) or 0 for name in names}
    said = {"bits_per_byte_today": None if score is None else round(score, 4)}
    said |= {name: evaluated.fact(name) if evaluated else None for name in SAID}
    shown = {name: "not measured" if v is None else str(v) for name, v in said.items()}
    start = str(version.fact("started_from_version") or "scratch")
    known = {"version": version.version, "promoted": version.current}
    return dg.TableRecord({**known, "started_from": start, **facts, **shown})


def _versions_curve(impressions: Impressions, versions: Sequence[Artifact]) -> str:
    """Bits per byte at every evaluation of the latest trainings."""
    lines = {}
    for version in versions[-COMPARED:]:
        files = [file for file in version.files if file.name == RESULT]
        with impressions.workspace() as folder:
            fetched = impressions.home.store.fetch(files, folder)
            result = TrainingResult.load(fetched / RESULT)
        bits = (result.val_bits_per_byte or 0) / (result.best_val_loss or 1)  # of a nat per token
        points = [(p.step, p.val_loss * bits) for p in result.history if p.val_loss is not None]
        lines[f"version {version.version}"] = points
    return versions_curve(lines)
