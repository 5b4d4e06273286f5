"""The entry: everything that Dagster loads, in the order in which the data flows.

Does not belong here: anything that runs at import beyond declaring.
"""

import dagster as dg

from impressions_assets.alerts import alerts
from impressions_assets.assets.articles import articles
from impressions_assets.assets.chapters import chapters
from impressions_assets.assets.chat_model import chat_model
from impressions_assets.assets.checkpoint import checkpoint
from impressions_assets.assets.documents import documents
from impressions_assets.assets.evaluation import evaluation, samples
from impressions_assets.assets.qa_pairs import qa_pairs
from impressions_assets.assets.token_shards import token_shards
from impressions_assets.assets.tokenizer import tokenizer
from impressions_assets.assets.transcripts import transcripts
from impressions_assets.assets.videos import videos
from impressions_assets.executor import executor
from impressions_assets.freshness import NEWS_SENSORS
from impressions_assets.jobs import JOBS
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.step_values import KEY as STEP_VALUES
from impressions_assets.resources.step_values import StepValues
from impressions_assets.sensors import SCHEDULES, SENSORS
from impressions_assets.staleness import mark_stale, stale_channels

defs = dg.Definitions(
    assets=[
        videos,
        transcripts,
        chapters,
        articles,
        qa_pairs,
        documents,
        tokenizer,
        token_shards,
        checkpoint,
        evaluation,
        samples,
        chat_model,
    ],
    jobs=[*JOBS, mark_stale],
    schedules=SCHEDULES,
    sensors=[*SENSORS, *NEWS_SENSORS, stale_channels, alerts],
    resources={
        "impressions": Impressions(),
        "children": Children(),
        STEP_VALUES: StepValues(),
    },
    executor=executor,
)
