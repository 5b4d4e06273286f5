"""Recognizing the speech that a channel's transcripts wait for, batch by batch.

Does not belong here: which transcripts wait (speech/choice.py), how sound becomes words.
"""

from collections.abc import Sequence
from functools import partial

import dagster as dg

from impressions_assets.channels.channel import Channel
from impressions_assets.errors import ConfigError, RecognitionError
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.recognizer import (
    Recognizer,
    batches_of,
    check_recognizer,
    environment_of,
    package_alone,
)
from impressions_assets.sources.source import Source, access_of
from impressions_assets.speech.choice import WANTED
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home


def wanted(home: Home, channel: Channel) -> list[str]:
    """The videos whose transcripts wait for a recognizer."""
    rows = home.table("transcripts").columns(channel.name, "video_id", "notes")
    return [video_id for video_id, notes in rows if any(n.startswith(WANTED) for n in notes or ())]


def recognize_wanted(
    context: dg.AssetExecutionContext,
    impressions: Impressions,
    children: Children,
    channel: Channel,
    sources: Sequence[Source],
) -> str:
    """Recognize what is due; returns why nothing could be, '' when it could.

    A recognizer that cannot even start takes nothing from the captions: they are there.
    """
    settings = impressions.settings
    token = settings.hugging_face_token
    access = digest_of(access_of(sources), str(settings.asr_python), token)
    recognizer = Recognizer(impressions.home, channel.name, channel.speech, sources, access)
    due = recognizer.due(wanted(impressions.home, channel))
    try:
        for batch in batches_of(due):
            python = check_recognizer(settings.asr_python)
            with impressions.workspace() as folder:
                environment = environment_of(token, package_alone(folder))
                run = partial(children.recognize, context, python, environment=environment)
                recognizer.recognize(batch, folder, run, context.log.info)
    except (ConfigError, RecognitionError) as error:
        context.log.warning(str(error))
        return str(error)
    return ""
