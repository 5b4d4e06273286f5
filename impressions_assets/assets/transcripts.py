"""The `transcripts` asset: what was said in each video.

Three steps make it: a plan of batches, a step for each of them, which may have a GPU or a pod of
its own, and a last one (docs/decisions/0015-speech-is-a-graph.md).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg

from impressions_assets.assets.declare import (
    NO_SOURCE_IS_PAUSED,
    NO_VIDEO_FAILED,
    Materialized,
    channel_graph,
    log_progress,
    materialized,
    not_paused,
    outs_of,
    passed,
    standing_facts,
    translated,
)
from impressions_assets.assets.speech import planned, recognize_speech
from impressions_assets.channels.channel import Channel
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.recognizer import hearing_of
from impressions_assets.resources.step_values import KEY as STEP_VALUES
from impressions_assets.rows import Failed, Transcript, Video
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.sounds import Sounds
from impressions_assets.sources.source import Source, access_of
from impressions_assets.speech.choice import STAGE as SPEECH
from impressions_assets.speech.choice import Choice, chosen, wanted
from impressions_assets.speech.corrections import UNFIT, corrected_transcript
from impressions_assets.speech.heard import Heard, engine_of
from impressions_assets.speech.recognized import READING
from impressions_assets.speech.tracks import no_transcript
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Inputs, Report, Stage, refresh

_LISTED = 20
STAGE = Stage("transcripts", 1, ("videos",), corrected_transcript)


CHECKS = {
    **NO_VIDEO_FAILED,
    **NO_SOURCE_IS_PAUSED,
    "coverage": "At least half of the videos have words.",
    "corrections_fit": "What people corrected still stands in the captions.",
    "speech_is_recognized": "All speech that the channel wants recognized is; else, why not.",
}


@dg.op(
    ins={"videos": dg.In(dg.Nothing)},
    out={
        "computed": dg.Out(int, io_manager_key=STEP_VALUES),
        "batches": dg.DynamicOut(list, io_manager_key=STEP_VALUES),
    },
)
@translated
def plan_speech(
    context: dg.OpExecutionContext, impressions: Impressions
) -> Iterator[dg.Output[int] | dg.DynamicOutput[list[str]]]:
    """Read captions, and cut what is to be recognized in their place into batches.

    A channel that takes captions alone has nothing to plan: they are read in the last step.
    """
    channel = impressions.channel(context.partition_key)
    computed, batches = 0, list[list[str]]()
    if channel.speech.use != "captions":
        with impressions.sources(channel) as sources:
            computed = _refresh(context, impressions.home, channel, sources).num_computed
            batches = planned(context, impressions, channel, sources)
    yield dg.Output(computed, "computed")
    for number, batch in enumerate(batches):
        yield dg.DynamicOutput(batch, output_name="batches", mapping_key=str(number))


@dg.op(out=outs_of("transcripts", CHECKS))
@translated
def collect_transcripts(
    context: dg.OpExecutionContext,
    computed: int,
    told: list[dict[str, str]],
    impressions: Impressions,
) -> Iterator[Materialized]:
    """Put what was recognized in the place of captions, and say how the channel stands."""
    channel = impressions.channel(context.partition_key)
    with impressions.sources(channel) as sources:
        report = _refresh(context, impressions.home, channel, sources)
    report = replace(report, num_computed=computed + report.num_computed)
    why_not = next(filter(None, (batch["why_not"] for batch in told)), "")
    origins = Counter(
        origin for (origin,) in impressions.home.table(STAGE.table).columns(channel.name, "origin")
    )
    dropped = impressions.home.table(STAGE.table).columns(
        channel.name, "video_id", "dropped.reason"
    )
    unfit = [video_id for video_id, reasons in dropped if UNFIT in reasons]
    with_words = report.num_videos - origins["none"]
    yield materialized(
        report,
        not_paused(report),
        passed(
            "coverage",
            2 * with_words >= report.num_videos,
            warn=True,
            with_words=with_words,
            videos=report.num_videos,
        ),
        passed("corrections_fit", not unfit, warn=True, videos=unfit),
        _speech_is_recognized(impressions.home, channel, why_not),
        origins=dict(sorted(origins.items())),
        **standing_facts(impressions.home, channel.name),
    )


@channel_graph(
    group="speech", kinds={"deltalake"}, version=STAGE.version, deps=STAGE.reads, checks=CHECKS
)
def transcripts(videos: Any) -> Any:
    """Timed segments per video: the best captions, or recognized speech where they won't do."""
    computed, batches = plan_speech(videos)
    told = batches.map(recognize_speech).collect()
    return collect_transcripts(computed, told)


STEPS = tuple(op.name for op in (plan_speech, recognize_speech, collect_transcripts))
BATCH_STEP = recognize_speech.name


def _refresh(
    context: dg.OpExecutionContext, home: Home, channel: Channel, sources: Sequence[Source]
) -> Report:
    look_again = timedelta(days=channel.transcripts.look_again_days)
    captures = Captures(home, sources, look_again)
    return refresh(
        home,
        STAGE,
        channel.name,
        lambda inputs: _rows(home, channel, captures, inputs),
        settings_of(channel),
        access=access_of(sources),
        beside=recognized_marks(home, channel),
        progress=log_progress(context),
    )


def _rows(
    home: Home, channel: Channel, captures: Captures, inputs: Iterator[Inputs]
) -> Iterator[Transcript | Failed]:
    """What captions say, and in its place what was recognized, where that was wanted and done."""
    speech, policy = channel.speech, channel.transcripts.policy
    heard = Heard(home, hearing_of(speech))
    videos: dict[str, Video] = {}

    def noted() -> Iterator[Video]:
        for (video,) in inputs:
            videos[video.video_id] = video
            yield video

    captions: Iterator[Transcript | Failed]
    if speech.use == "whisperx":
        sounds = Sounds(home)
        captions = (_without_captions(video, captures, heard, sounds) for video in noted())
    else:
        captions = transcripts_of(
            noted(), captures.offers, captures.fetch_all, capture_key_of, channel.languages, policy
        )
    choice = Choice(speech.use, speech.where, speech.min_quality, speech.names)
    return chosen(choice, videos, captions, heard.body, heard.earlier_body)


def _without_captions(
    video: Video, captures: Captures, heard: Heard, sounds: Sounds
) -> Transcript | Failed:
    """What a video gives that is to be heard; of one that is out of reach, what was kept of it."""
    if video.status == "live" or (error := captures.out_of_reach(video, "sound")) is None:
        return no_transcript(video, "policy")
    kept = (heard.body, heard.earlier_body, sounds.named)
    if any(kept_of(video.video_id) is not None for kept_of in kept):
        return no_transcript(video, "policy")
    return Failed(video_id=video.video_id, error=str(error), retry=error.retry)


def recognized_marks(home: Home, channel: Channel) -> dict[str, str]:
    """Tell what was recognized of each video from what was before, by the video's key."""
    if channel.speech.use == "captions":
        return {}
    ids = (video_id for (video_id,) in home.table("videos").columns(channel.name, "video_id"))
    return Heard(home, hearing_of(channel.speech)).marks(ids)


def _speech_is_recognized(home: Home, channel: Channel, why_not: str) -> dg.AssetCheckResult:
    wants = channel.speech.use != "captions"
    failed = list(attempts(home, channel.name, SPEECH).values()) if wants else []
    waiting = len(wanted(home, channel))
    facts = {"why": why_not} if why_not else {}
    facts |= {attempt.video_id: attempt.error for attempt in failed[:_LISTED]}
    return passed("speech_is_recognized", not waiting, warn=True, waiting=waiting, **facts)


def settings_of(channel: Channel) -> object:
    """What matters to this stage: a change computes every row again.

    When to look again changes no row. Translation and speech are named only where they are wanted,
    so that the rows of all others stay valid.
    """
    settings: list[object] = [channel.languages, channel.transcripts.policy]
    if channel.transcripts.translate:
        settings.append("translate")
    if channel.speech.use != "captions":
        named = {"use", "where", "min_quality", "names"}
        settings += [
            channel.speech.model_dump(include=named),
            engine_of(hearing_of(channel.speech)),
            READING,
        ]
    return settings
