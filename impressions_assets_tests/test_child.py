"""A child process speaks to Dagster when Dagster started it, and to the terminal otherwise."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    DAGSTER_PIPES_MESSAGES_ENV_VAR,
    encode_param,
)

from impressions_assets.child import child_session

CHILD = """
from impressions_assets.child import child_session
with child_session() as child:
    child.log("hello")
"""


def test_by_hand_lines_are_printed(capsys):
    with child_session() as child:
        child.log("hello")
        assert capsys.readouterr().out == "hello\n"


def test_under_dagster_lines_arrive_as_messages(tmp_path):
    context, messages = tmp_path / "context.json", tmp_path / "messages.jsonl"
    context.write_text(json.dumps(pipes_context()))
    run_child(
        {
            DAGSTER_PIPES_CONTEXT_ENV_VAR: encode_param({"path": str(context)}),
            DAGSTER_PIPES_MESSAGES_ENV_VAR: encode_param({"path": str(messages)}),
        }
    )
    sent = [json.loads(line) for line in messages.read_text().splitlines()]
    by_method = {message["method"]: message["params"] for message in sent}
    assert by_method["log"]["message"] == "hello"
    assert by_method["closed"] is not None


def test_a_listener_that_went_away_does_not_end_the_work(tmp_path):
    code = CHILD + f"\nimport pathlib; pathlib.Path({str(tmp_path / 'done')!r}).touch()"
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run([sys.executable, "-c", code], stdout=writer, check=True)
    os.close(writer)
    assert (tmp_path / "done").exists()


def run_child(environment: dict[str, str]) -> None:
    root = Path(__file__).parent.parent
    subprocess.run(
        [sys.executable, "-c", CHILD], env={**os.environ, **environment}, cwd=root, check=True
    )


def pipes_context() -> dict[str, object]:
    return {
        "asset_keys": None,
        "code_version_by_asset_key": None,
        "provenance_by_asset_key": None,
        "partition_key": None,
        "partition_key_range": None,
        "partition_time_window": None,
        "run_id": "r",
        "job_name": None,
        "retry_number": 0,
        "extras": {},
    }
