"""Recognizing the speech that a channel's transcripts wait for, batch by batch.

Does not belong here: which transcripts wait (speech/choice.py), how sound becomes words.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from impressions_assets.assets.declare import translated
from impressions_assets.channels.channel import Channel
from impressions_assets.errors import ConfigError, ImpressionsError, RecognitionError
from impressions_assets.resources.cards import POOL, cards_for, set_slots
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.recognizer import (
    RunChild,
    batches_of,
    recognizer_of,
)
from impressions_assets.resources.step_values import KEY as STEP_VALUES
from impressions_assets.resources.step_values import values_of
from impressions_assets.resources.whisperx_environment import (
    check_recognizer,
    environment_of,
    package_alone,
)
from impressions_assets.sources.source import Source
from impressions_assets.speech.choice import STAGE, wanted
from impressions_assets.storage.attempts import keep_pause


def planned(
    context: dg.OpExecutionContext,
    impressions: Impressions,
    channel: Channel,
    sources: Sequence[Source],
) -> list[list[str]]:
    """Cut what is due now into batches, the longest first: the ids of the videos of each."""
    recognizer = recognizer_of(impressions.home, channel, sources)
    due = recognizer.due(wanted(impressions.home, channel))
    if not due:
        keep_pause(impressions.home, channel.name, STAGE, None)
        return []
    cards = cards_for(channel.speech.device, impressions.settings.visible_cards)
    batches = batches_of(due, set_slots(context.instance, cards))
    context.log.info(f"{len(due)} videos are to be recognized, in {len(batches)} batches")
    return [[video.video_id for video in batch] for batch in batches]


@dg.op(pool=POOL, out=dg.Out(dict, io_manager_key=STEP_VALUES))
@translated
def recognize_speech(
    context: dg.OpExecutionContext, batch: list[str], impressions: Impressions, children: Children
) -> dg.Output[dict[str, str]]:
    """Recognize a batch, or what is left of it; gives `why_not`, '' when it could be.

    A recognizer that cannot even start takes nothing from the captions, which are there, and what
    one batch told of it (`for_all`) holds for those that follow: their sound would be fetched for
    nothing. What befell one batch alone, such as a storage that was away, does not.
    """
    before = values_of(context.instance, context.run_id, str(context.op_handle))
    if told := next(filter(None, (value["for_all"] for value in before)), ""):
        return _told(told, told)
    channel = impressions.channel(context.partition_key)
    try:
        with impressions.sources(channel) as sources, impressions.workspace() as folder:
            recognizer = recognizer_of(impressions.home, channel, sources)
            run = _child(context, impressions, children, channel, folder)
            left = sorted(recognizer.due(batch), key=lambda video: batch.index(video.video_id))
            recognizer.recognize(left, folder, run, context.log.info)
    except ImpressionsError as error:
        context.log.warning(str(error))
        is_of_all = isinstance(error, ConfigError | RecognitionError)
        return _told(str(error), str(error) if is_of_all else "")
    return _told()


def _told(why_not: str = "", for_all: str = "") -> dg.Output[dict[str, str]]:
    return dg.Output({"why_not": why_not, "for_all": for_all})  # Pipes lets no bare value through


def _child(
    context: dg.OpExecutionContext,
    impressions: Impressions,
    children: Children,
    channel: Channel,
    folder: Path,
) -> RunChild:
    """What starts a recognizer, on a card of its own where there are cards."""
    settings = impressions.settings
    python = check_recognizer(settings.asr_python)
    environment = environment_of(settings.hugging_face_token, package_alone(folder))

    def run(job_file: Path) -> None:
        with impressions.cards(channel.speech.device, context.log.info) as shown:
            children.recognize(context, python, job_file, {**environment, **shown})

    return run
