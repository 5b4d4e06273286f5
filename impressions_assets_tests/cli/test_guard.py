"""`guard`."""

import json
from pathlib import Path

import pytest

from impressions_assets_tests.cli.conftest import Impressions

pytest.importorskip("wordfreq")


def test_a_question_is_judged_with_the_reason(in_talks: Impressions, talks: Path) -> None:
    file = talks / "storage" / "channels.yaml"
    scope = (
        "    scope: {learn: false, patterns: ['\\bbread\\b'], other_patterns: ['\\btoast\\b']}\n"
    )
    file.write_text(file.read_text().rstrip("\n") + "\n" + scope)
    inside = in_talks("guard", "talks", "How", "is", "bread", "made?")
    assert inside.stdout == "in (1.00): 'bread' is of this subject\n", inside.output
    outside = in_talks("guard", "talks", "Does bread make toast?")
    assert outside.stdout.startswith("out (0.00): 'toast' is of another subject\nthe answer: ")
    told = json.loads(in_talks("guard", "talks", "Hello!", "--json").stdout)
    assert told["in_scope"] is False
