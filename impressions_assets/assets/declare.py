"""How our assets are declared, so that each states only what is its own.

Does not belong here: what an asset does.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any

import dagster as dg
import msgspec

from impressions_assets.assets.retries import retry_where_it_helps
from impressions_assets.automation import upstream_content_changed
from impressions_assets.errors import ImpressionsError, SourcePaused
from impressions_assets.partitions import channel_partitions
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Report
from impressions_assets.storage.standing import allowances, standing_of

if TYPE_CHECKING:
    Materialized = dg.MaterializeResult[Any]
else:  # beside check results, Dagster takes the bare class only
    Materialized = dg.MaterializeResult

OWNERS = ["team:impressions"]
_PREVIEWED = 20


def channel_asset(
    *,
    group: str,
    kinds: set[str],
    version: int,
    deps: Sequence[str] = (),
    checks: Mapping[str, str] | None = None,
    automatic: bool = True,
    **more: Any,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare an asset that is partitioned by channel.

    Args:
        group: where the UI shows it.
        kinds: what it is made with.
        version: raise it when the same inputs must give another result from now on.
        deps: the assets it reads.
        checks: checks it reports itself, by name, with what each tells. They are partitioned too:
            without that, one channel's pass would hide another's failure.
        automatic: whether it follows changes upstream by itself.
        more: what `dagster.asset` takes beside.
    """

    def declare(function: Callable[..., Any]) -> dg.AssetsDefinition:
        name = function.__name__
        declared: dg.AssetsDefinition = dg.asset(
            partitions_def=channel_partitions,
            group_name=group,
            kinds=kinds,
            owners=OWNERS,
            code_version=str(version),
            deps=list(deps),
            check_specs=[_check(name, check, tells) for check, tells in (checks or {}).items()],
            automation_condition=upstream_content_changed if automatic else None,
            hooks={retry_where_it_helps},
            **more,
        )(translated(function))
        return declared

    return declare


def channel_graph(
    *, group: str, kinds: set[str], version: int, deps: Sequence[str], checks: Mapping[str, str]
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare an asset that is partitioned by channel, and that several steps make.

    The function takes what the asset reads, by name, and returns what its last step gives: an op
    with `outs_of` of the asset and its checks, which yields what another asset would return.
    """

    def declare(function: Callable[..., Any]) -> dg.AssetsDefinition:
        name = function.__name__

        @wraps(function)
        def compose(*args: Any, **kwargs: Any) -> dict[str, Any]:
            return dict(function(*args, **kwargs)._asdict())

        declared: dg.AssetsDefinition = dg.graph_asset(
            partitions_def=channel_partitions,
            group_name=group,
            kinds=kinds,
            owners=OWNERS,
            code_version=str(version),
            description=function.__doc__,
            ins={name: dg.AssetIn(dagster_type=dg.Nothing) for name in deps},
            check_specs=[_check(name, check, tells) for check, tells in checks.items()],
            automation_condition=upstream_content_changed,
            hooks={retry_where_it_helps},
        )(compose)
        return declared

    return declare


def outs_of(asset: str, checks: Mapping[str, str]) -> dict[str, dg.Out]:
    """The outputs of the step that ends an asset's graph: the asset, and each of its checks."""
    names = ["result", *(f"{asset}_{check}" for check in checks)]
    return {name: dg.Out(dg.Nothing) for name in names}


def translated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn our errors into Dagster's, once: the message is the user's, and says if trying helps.

    The function is a step of a run, for which one look at each table is enough.
    """

    @wraps(function)
    def body(*args: Any, **kwargs: Any) -> Any:
        with _translating(), _looking_once(**kwargs):
            return function(*args, **kwargs)

    @wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Any:
        with _translating(), _looking_once(**kwargs):
            yield from function(*args, **kwargs)

    return stream if isgeneratorfunction(function) else body


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except ImpressionsError as error:
        # A paused source is asked again at its time, by a sensor: no earlier retry can help.
        may_retry = error.retry and not isinstance(error, SourcePaused)
        raise dg.Failure(str(error), allow_retries=may_retry) from error


@contextmanager
def _looking_once(impressions: Impressions | None = None, **_: Any) -> Iterator[None]:
    with impressions.home.looks.once() if impressions else nullcontext():
        yield


def passed(name: str, ok: bool, *, warn: bool = False, **facts: Any) -> dg.AssetCheckResult:
    """Report a check of this asset."""
    severity = dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(check_name=name, passed=ok, severity=severity, metadata=facts)


def listed(
    name: str, found: Sequence[Mapping[str, str | int | float]], kind: str
) -> dg.AssetCheckResult:
    """Report a check that passes when nothing was found, and lists the first of what was."""
    facts: dict[str, Any] = {f"num_{kind}": len(found)}
    if found:
        records = [dg.TableRecord(dict(row)) for row in found[:_PREVIEWED]]
        facts[kind] = dg.MetadataValue.table(records)
    return passed(name, not found, warn=True, **facts)


def all_done(report: Report) -> dg.AssetCheckResult:
    """Report whether any video failed, with the reasons; the others went on."""
    failed = [
        dg.TableRecord(
            {
                "video": attempt.video_id,
                "status": attempt.status,
                "tries": attempt.count,
                "next try": attempt.next_try or "when its input changes",
                "error": attempt.error[:300],
            }
        )
        for attempt in report.failed[:_PREVIEWED]
    ]
    facts: dict[str, Any] = {"failed": len(report.failed)}
    if failed:
        facts["videos"] = dg.MetadataValue.table(failed)
    return passed("no_video_failed", not report.failed, warn=True, **facts)


def not_paused(report: Report) -> dg.AssetCheckResult:
    """Report whether a source wants to be left alone, and until when; the rest is due then."""
    pause = report.paused
    facts = {"until": pause.next_try or "", "why": pause.error} if pause else {}
    return passed("no_source_is_paused", pause is None, warn=True, **facts)


def materialized(
    report: Report,
    *checks: dg.AssetCheckResult,
    preview: Sequence[Mapping[str, str | int | float]] = (),
    **facts: Any,
) -> Materialized:
    """Report a table of a channel: content version, counts, and a preview of titles and counts."""
    metadata: dict[str, Any] = {
        "dagster/row_count": report.num_videos,
        "computed": report.num_computed,
        "removed": report.num_removed,
        "failed": len(report.failed),
        **facts,
    }
    if preview:
        records = [dg.TableRecord(dict(row)) for row in preview[:_PREVIEWED]]
        metadata["preview"] = dg.MetadataValue.table(records)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(report.data_version),
        metadata=metadata,
        check_results=[all_done(report), *checks],
    )


def by_title(
    home: Home, channel: str, found: Iterable[tuple[str, Mapping[str, str | int | float]]]
) -> list[Mapping[str, str | int | float]]:
    """Return a preview: what was found of each video, beside its title, which people know it by."""
    titles = dict(home.table("videos").columns(channel, "video_id", "title"))
    return [{"title": titles.get(video_id) or video_id, **facts} for video_id, facts in found]


def standing_facts(home: Home, channel: str) -> dict[str, Any]:
    """Say how the channel stands, and what was asked of services today, as `status` does."""
    return {
        "standing": dg.MetadataValue.json(msgspec.to_builtins(standing_of(home, channel))),
        "services": dg.MetadataValue.json(msgspec.to_builtins(allowances(home))),
    }


def log_progress(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
) -> Callable[[int, int], None]:
    """Say in the log how far a stage is."""
    return lambda done, due: context.log.info(f"{done} of {due} videos")


NO_VIDEO_FAILED = {"no_video_failed": "Every video went through; failures are listed with reasons."}


NO_SOURCE_IS_PAUSED = {
    "no_source_is_paused": "No source blocks us, and no day's quota is spent; else, until when."
}


def _check(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, description=description, partitions_def=channel_partitions
        )
