"""What a run would do, without doing it: sources are listed, digests compared, nothing written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape

from impressions_assets.assets import token_shards, tokenizer, training, transcripts
from impressions_assets.cli.asking import model_requests
from impressions_assets.cli.place import Place
from impressions_assets.cli.stages import STAGES
from impressions_assets.cli.terminal import minute, note, number, output, table_of
from impressions_assets.errors import ImpressionsError
from impressions_assets.resources.key_frames import file_marks
from impressions_assets.resources.language_models import way_to
from impressions_assets.resources.recognizer import recognizer_of
from impressions_assets.resources.sources import Sources
from impressions_assets.rows import SOURCE, Video
from impressions_assets.sources.listing import Listing
from impressions_assets.sources.source import Source, access_of
from impressions_assets.speech.choice import wanted
from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import plan

if TYPE_CHECKING:
    from impressions_assets.channels.channel import Channel


REQUESTS_A_VIDEO = 3  # its page, its player, its track


class Ahead(NamedTuple):
    """What is ahead of one table."""

    computed: frozenset[str]  # keys whose rows are made for certain
    touched: frozenset[str]  # those, and what may follow from changes further up
    waiting: frozenset[str]
    valid: int
    gone: frozenset[str]
    note: str = ""


def show_plan(place: Place, name: str, assets: Sequence[str], *, sweep: bool = False) -> None:
    """Print what materializing these assets would compute, with a sweep or without."""
    channel = place.channel(name)
    table = table_of(
        "asset",
        *("to compute", "waiting", "valid", "to remove"),
        "",
        numbers=("to compute", "waiting", "valid", "to remove"),
    )
    with ExitStack() as stack:
        opened = Sources(place.home, place.settings, stack, remember=False)
        sources = opened.open(channel, sweep=sweep)
        ahead = plan_tables(place.home, channel, sources, assets)
        asked = list(_asked(place, name, sources, ahead))
        if "transcripts" in ahead:
            asked += _heard(place.home, channel, sources)
    due = {table: found.touched for table, found in ahead.items()}
    asked += model_requests(place.home, channel, due)
    for asset, found in ahead.items():
        table.add_row(
            asset,
            _amount(found),
            *map(number, (len(found.waiting), found.valid, len(found.gone))),
            escape(found.note),
        )
    output().print(table)
    moving = any(found.touched or found.gone for found in ahead.values())
    for line in _model_lines(place.home, channel, assets, moving):
        output().print(line, soft_wrap=True)
    for line in asked:
        output().print(line, soft_wrap=True, markup=False)
    note("[dim]nothing was computed; without --plan it is[/]")


def plan_tables(
    home: Home, channel: "Channel", sources: Sequence[Source], assets: Sequence[str]
) -> dict[str, Ahead]:
    """Say what is ahead of each table among the assets.

    What a changed row does to the rows made from it is known only when it is made: when it comes
    out the same, nothing follows.
    """
    ahead: dict[str, Ahead] = {}
    if "videos" in assets:
        ahead["videos"] = _videos(home, channel, sources)
    model = way_to(channel)
    ways = {"transcripts": access_of(sources), "chapters": model, "articles": model}
    for stage, settings_of in STAGES:
        if stage.table not in assets:
            continue
        way = ways.get(stage.table, "")
        pictured = stage.table == "articles" and channel.articles.key_frames
        beside = file_marks(home, channel.name, sources if pictured else ())
        if stage.table == "transcripts":
            beside = transcripts.recognized_marks(home, channel)
        now = datetime.now(UTC)
        found = plan(home, stage, channel.name, settings_of(channel), now, way, beside)
        above = [ahead[table] for table in stage.reads if table in ahead]
        follow = frozenset[str]().union(*(a.touched for a in above))
        gone = found.gone.union(*(a.gone for a in above))
        have = home.table(stage.table).digests(channel.name).keys()
        due = (frozenset(found.due) | (follow - have)) - gone
        ahead[stage.table] = Ahead(
            computed=due,
            touched=(due | follow) - gone,
            waiting=found.waiting - follow,
            valid=len(have - due - gone - found.waiting),
            gone=gone,
            note=_when(home, channel.name, stage.table, found.waiting),
        )
    return ahead


def _videos(home: Home, channel: "Channel", sources: Sequence[Source]) -> Ahead:
    """List what the sources know without asking anybody, and compare with the table."""
    listing = Listing(sources, channel.filters, known_only=True)
    have = home.table("videos").digests(channel.name)
    forgotten = home.forgotten()
    listed = {
        key_of(item.video_id): item
        for item in listing
        if item.video_id not in forgotten and not item.video_id.startswith(SOURCE)
    }
    videos = {key: item for key, item in listed.items() if isinstance(item, Video)}
    is_whole = listing.is_complete() and not any(source.forecast().note for source in sources)
    changed = {k for k, v in videos.items() if k not in have or have[k].output != digest_of(v)}
    new = len(changed - have.keys())
    failed = len(listed) - len(videos)
    counts = {"new": new, "changed": len(changed) - new, "cannot be read": failed}
    parts = [f"{count:,} {what}" for what, count in counts.items() if count]
    parts += [f"a source cannot be read: {error}" for error in listing.errors]
    return Ahead(
        computed=frozenset(changed),
        touched=frozenset(changed),
        waiting=frozenset(),
        valid=len(videos.keys() - changed),
        gone=frozenset(have.keys() - listed.keys() if is_whole else ()),
        note=", ".join(part for part in parts if part),
    )


def _asked(
    place: Place, name: str, sources: Sequence[Source], ahead: Mapping[str, Ahead]
) -> Iterator[str]:
    """Say what would be asked over a network, and how much there is to hear."""
    forecasts = [source.forecast() for source in sources if source.asks]
    if forecasts and "videos" in ahead:
        looks = sum(forecast.requests for forecast in forecasts)
        if looks:
            ask = f"{looks:,} request{'s' * (looks != 1)}"
            yield f"asks for news: {ask}, no quota while there is none"
        yield from (forecast.note for forecast in forecasts if forecast.note)
    if forecasts and "transcripts" in ahead:
        due = ahead["transcripts"].computed
        unheard = [v for v in place.home.table("videos").rows(name, due) if not v.tracks]
        hours = sum(video.duration_seconds or 0 for video in unheard) / 3600
        is_partial = any(forecast.note for forecast in forecasts)
        if unheard or not is_partial:
            unknown = "; those not listed yet come on top" if is_partial else ""
            yield (
                f"asks for captions: {REQUESTS_A_VIDEO} requests a video, so "
                f"{REQUESTS_A_VIDEO * len(unheard):,} for the {len(unheard):,} that are known and "
                f"due ({hours:,.1f} hours of talk){unknown}"
            )
        else:
            yield f"asks for captions: {REQUESTS_A_VIDEO} requests for each video that is listed"
        most = place.channels().youtube.daily_videos
        if most and len(unheard) > most:
            yield f"`daily_videos` allows {most:,} a day: {-(-len(unheard) // most):,} days"


def _heard(home: Home, channel: "Channel", sources: Sequence[Source]) -> Iterator[str]:
    """Say how much speech is to be recognized, of what the transcripts know to want it."""
    due = recognizer_of(home, channel, sources).due(wanted(home, channel))
    if due:
        hours = sum(video.duration_seconds or 0 for video in due) / 3600
        videos = f"{len(due):,} video{'s' * (len(due) != 1)}"
        yield f"recognizes the speech of {videos} ({hours:,.1f} hours of sound)"


def _amount(found: Ahead) -> str:
    """Say how many rows: exactly, or between what is certain and what may follow."""
    least, most = len(found.computed), len(found.touched)
    return number(least) if least == most else f"{least:,} to {most:,}"


def _when(home: Home, channel: str, stage: str, waiting: frozenset[str]) -> str:
    """Say when the first of those that wait is tried again."""
    failed = attempts(home, channel, stage)
    times = [failed[key].next_try for key in waiting]
    due = min((time for time in times if time), default=None)
    if due:
        return f"next try {minute(due)}"
    return "until their input changes" if waiting else ""


def _model_lines(home: Home, channel: "Channel", assets: Sequence[str], moving: bool) -> list[str]:
    """Say what becomes of the tokenizer, the shards and the model."""
    reason = tokenizer.reason_to_train(home, channel)
    said = {
        "tokenizer": "stays" if reason is None else f"is trained: {reason}",
        "token_shards": _shards(home, channel, moving, reason),
        "checkpoint": _training(home, channel, moving or reason is not None),
    }
    return [f"{asset}: {line}" for asset, line in said.items() if asset in assets]


def _shards(home: Home, channel: "Channel", moving: bool, new_tokenizer: str | None) -> str:
    if new_tokenizer or home.current(channel.name, token_shards.KIND) is None:
        return "all are written"
    return "those with changed documents are written" if moving else "stay"


def _training(home: Home, channel: "Channel", moving: bool) -> str:
    """Say what is trained; the same training on the same shards is not done twice."""
    shards = home.current(channel.name, token_shards.KIND)
    try:
        model, train = training.settings_of(channel, {}, shards)
    except ImpressionsError as error:
        return f"cannot be trained: {error}"
    if shards and not moving:
        made_from = training.made_from_of(shards, model, train)
        done = training.finished(home, channel.name, made_from)
        if done:
            return f"stays: version {done.version} is this very training"
    length = "until it is stopped" if train.max_iters is None else f"{train.max_iters:,} steps"
    if train.max_epochs is not None:
        length = f"{train.max_epochs:g} epochs"
    shape = f"{model.n_layer} layers, {model.n_embd} wide, context {model.block_size}"
    return (
        f"is trained{', if any document changes' if shards and moving else ''}: {shape}, {length}"
    )
