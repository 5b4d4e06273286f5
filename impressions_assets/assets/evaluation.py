"""The assets `evaluation` and `samples`: how good the promoted model is, and how it speaks."""

from collections.abc import Sequence

import dagster as dg

from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.assets.training import KIND, RESULT
from impressions_assets.gpt.assess import Assessment, Request
from impressions_assets.gpt.curve import versions_curve
from impressions_assets.gpt.run import TrainingResult
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Artifact, Home

VERSION = 2
NUM_TOKENS = 200
FOUND = "found.json"
TODAY = "today's validation text"
SAID = ("repetition_rate", "distinct_bigrams", "longest_copied_tokens")
UNPROMPTED = ("",) * 4
DRAWN = 5  # versions at most
BEFORE = "the validation text of its training: today's shards are of another tokenizer than its own"


@channel_asset(
    group="gpt",
    kinds={"pytorch"},
    version=VERSION,
    deps=["checkpoint", "token_shards"],
    checks={"no_worse_than_before": "No other version scored better when it was trained."},
)
def evaluation(
    context: dg.AssetExecutionContext, impressions: Impressions, children: Children
) -> Materialized:
    """How well the model predicts, repeats itself and copies, beside its earlier versions."""
    home, name = impressions.home, context.partition_key
    model = home.version(name, KIND)
    shards = home.version(name, "token_shards")
    made_from = digest_of("evaluation", VERSION, model.digest, shards.digest)
    fits = model.fact("tokenizer_version") == shards.fact("tokenizer_version")
    found = (
        _found(context, impressions, children, made_from, model, shards=shards, prompts=UNPROMPTED)
        if fits
        else _found_in_training(model)
    )
    versions = home.artifacts(name, KIND)
    earlier = [bits for v in versions if (bits := v.fact("val_bits_per_byte")) and v != model]
    bits = found.bits_per_byte
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made_from),
        metadata={
            "bits_per_byte": bits if bits is not None else "no validation text",
            "unigram_bits_per_byte": found.unigram_bits_per_byte or "no validation text",
            "measured_on": TODAY if fits else BEFORE,
            "version": model.version,
            **_of_samples(found),
            "versions": dg.MetadataValue.table(_records(home, name, versions)),
            "versions_curve": dg.MetadataValue.md(_versions_curve(impressions, versions)),
        },
        check_results=[
            passed(
                "no_worse_than_before",
                bits is None or all(bits <= other * 1.001 for other in earlier),
                warn=True,
                earlier=earlier,
            )
        ],
    )


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
    found = _found(context, impressions, children, made_from, model, prompts=prompts)
    texts = [f"{sample.prompt}{sample.text}" for sample in found.samples]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made_from),
        metadata={
            "version": model.version,
            "samples": dg.MetadataValue.md("\n\n---\n\n".join(texts)),
        },
    )


def _found(
    context: dg.AssetExecutionContext,
    impressions: Impressions,
    children: Children,
    made_from: str,
    model: Artifact,
    *,
    shards: Artifact | None = None,
    prompts: Sequence[str] = (),
) -> Assessment:
    """Look at a model; what was found of the same model before is not looked for again."""
    home, channel, kind = impressions.home, context.partition_key, context.asset_key.path[-1]
    known = [made for made in home.artifacts(channel, kind) if made.made_from == made_from]
    with impressions.workspace() as folder:
        if known and not home.store.missing(known[-1].files):
            home.promote(channel, kind, known[-1].version)  # an older model may speak again
            home.store.fetch(known[-1].files, folder)
            return Assessment.load(folder / FOUND)
        request = Request(
            checkpoint_dir=str(home.store.fetch(model.files, folder / "checkpoint")),
            shards_dir=str(home.store.fetch(shards.files, folder / "shards")) if shards else None,
            prompts=tuple(prompts),
            num_tokens=NUM_TOKENS,
            out=str(folder / FOUND),
        )
        request.save(folder / "assess.json")
        children.run(context, "impressions_assets.gpt.assess", folder / "assess.json")
        found = Assessment.load(folder / FOUND)
        facts = {"checkpoint_version": model.version, **_of_samples(found)}
        files = {FOUND: folder / FOUND}
        home.publish(channel, kind, files, made_from=made_from, facts=facts)
        return found


def _found_in_training(model: Artifact) -> Assessment:
    return Assessment(
        bits_per_byte=model.fact("val_bits_per_byte"),
        unigram_bits_per_byte=model.fact("unigram_bits_per_byte"),
    )


def _of_samples(found: Assessment) -> dict[str, float]:
    figures = {name: getattr(found, name) for name in SAID}
    return {name: round(figure, 4) for name, figure in figures.items() if figure is not None}


def _records(home: Home, channel: str, versions: Sequence[Artifact]) -> list[dg.TableRecord]:
    """A row per version, with what its latest evaluation found in its samples."""
    evaluations = home.artifacts(channel, "evaluation")
    of_version = {made.fact("checkpoint_version"): made for made in evaluations}
    return [_record(version, of_version.get(version.version)) for version in versions]


def _record(version: Artifact, evaluated: Artifact | None) -> dg.TableRecord:
    names = ("val_bits_per_byte", "steps", "num_parameters", "train_tokens")
    facts = {name: version.fact(name) or 0 for name in names}
    said = {name: evaluated.fact(name) if evaluated else None for name in SAID}
    shown = {name: "not measured" if v is None else str(v) for name, v in said.items()}
    start = str(version.fact("started_from_version") or "scratch")
    known = {"version": version.version, "promoted": version.current}
    return dg.TableRecord({**known, "started_from": start, **facts, **shown})


def _versions_curve(impressions: Impressions, versions: Sequence[Artifact]) -> str:
    """Bits per byte at every evaluation of the latest trainings."""
    lines = {}
    for version in versions[-DRAWN:]:
        files = [file for file in version.files if file.name == RESULT]
        with impressions.workspace() as folder:
            fetched = impressions.home.store.fetch(files, folder)
            result = TrainingResult.load(fetched / RESULT)
        bits = (result.val_bits_per_byte or 0) / (result.best_val_loss or 1)  # of a nat per token
        points = [(p.step, p.val_loss * bits) for p in result.history if p.val_loss is not None]
        lines[f"version {version.version}"] = points
    return versions_curve(lines)
