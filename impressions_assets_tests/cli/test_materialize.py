"""`materialize`, its plan, and `redo`: what is computed, and what is said of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from impressions_assets.cli import running
from impressions_assets.cli.progress import RunView
from impressions_assets.runs import Launch
from impressions_assets.storage.home import Home
from impressions_assets_tests.archives import Archive, talk, vtt
from impressions_assets_tests.cli.conftest import DATA, Impressions

TABLES = ("videos", "transcripts", "chapters", "articles", "qa_pairs", "documents")


def amounts(plan: str) -> dict[str, str]:
    """The column "to compute" of a printed plan."""
    rows = re.findall(r"^(\w+) +(\d+(?: to \d+)?) +\d+ +\d+ +\d+", plan, re.MULTILINE)
    return dict(rows)


@pytest.fixture
def mine(impressions: Impressions, archive: Archive) -> Impressions:
    """A channel of three talks, of which nothing was computed."""
    assert impressions("add", str(archive.folder), "--name", "mine").exit_code == 0
    return impressions


def test_each_asset_says_what_it_made(in_talks: Impressions, made_talks: Path) -> None:
    said = (made_talks.parent / "said").read_text()
    for asset in TABLES:
        assert f"✓ {asset} 3 rows, 3 computed" in said
    assert "✓ tokenizer bpe" in said
    assert "tokens to train on" in said
    again = in_talks("materialize", "talks", "--select", DATA)
    assert "✓ documents 3 rows, nothing to compute" in again.stderr
    told = [line for line in again.stderr.splitlines() if line.startswith("✓")]
    assert told
    assert not any("computed" in line for line in told)


def test_a_plan_tells_everything_and_does_nothing(mine: Impressions, tmp_path: Path) -> None:
    said = mine("materialize", "mine", "--plan")
    assert said.exit_code == 0, said.stderr
    assert amounts(said.stdout) == dict.fromkeys(TABLES, "3")
    assert "tokenizer: is trained: there is none yet" in said.stdout
    assert "checkpoint: is trained: 4 layers" in said.stdout
    home = Home(str(tmp_path / "home/storage"))
    assert home.table("videos").count("mine") == 0
    assert not (tmp_path / "home/dagster").exists()


def test_a_plan_tells_what_a_language_model_would_be_asked(
    mine: Impressions, tmp_path: Path
) -> None:
    declared = tmp_path / "home/storage/channels.yaml"
    settings = (
        "\n    language_model: {url: 'http://h/v1', model: q3}\n    articles: {rewrite: true}"
    )
    declared.write_text(declared.read_text().rstrip() + settings + "\n")
    said = mine("materialize", "mine", "--plan", "--select", "videos,articles").stdout
    assert "asks q3 to rewrite: about " in said


@pytest.mark.slow
def test_a_plan_follows_one_change_through_the_stages(mine: Impressions, archive: Archive) -> None:
    mine("materialize", "mine", "--select", DATA)
    nothing = mine("materialize", "mine", "--plan", "--select", DATA).stdout
    assert amounts(nothing) == dict.fromkeys(TABLES, "0")
    assert "tokenizer: stays\ntoken_shards: stay" in nothing
    archive.captions("talk-b").write_text(vtt(talk("new words")))
    archive.add("talk-d")
    archive.remove("talk-a")
    plan = mine("materialize", "mine", "--plan", "--select", DATA).stdout
    found = amounts(plan)
    assert found["videos"] == "2"  # the digest of a caption track is a fact of its video
    assert "1 new, 1 changed" in plan
    assert {found[name] for name in TABLES[1:]} == {"1 to 2"}  # one for certain
    gone = re.findall(r"^\w+ +\S+(?: to \d+)? +0 +\d+ +(\d+)", plan, re.MULTILINE)
    assert gone == ["1"] * len(TABLES)
    assert mine("materialize", "mine", "--select", DATA).exit_code == 0
    after = mine("materialize", "mine", "--plan", "--select", DATA).stdout
    assert amounts(after) == dict.fromkeys(TABLES, "0")


def test_an_asset_that_does_not_exist_is_named(mine: Impressions) -> None:
    said = mine("materialize", "mine", "--select", "chapters,articels")
    assert said.exit_code == 1
    assert "no asset articels; select of: videos, transcripts" in said.stderr


def test_a_failed_run_says_why_in_our_words_and_nothing_of_python(mine: Impressions) -> None:
    said = mine("materialize", "mine", "--select", "token_shards")
    assert said.exit_code == 1
    assert "✗ token_shards failed" in said.stderr
    assert "error: token_shards: channel 'mine' has no current version of" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.slow
def test_videos_that_fail_are_named_and_the_others_go_on(
    mine: Impressions, archive: Archive
) -> None:
    archive.info("talk-b").write_text('{"id": "talk-b", "titl')
    said = mine("materialize", "mine", "--select", "videos,transcripts,chapters")
    assert said.exit_code == 0
    assert "✓ transcripts 2 rows, 2 computed" in said.stderr
    assert "! videos: 1 failed, the others went on" in said.stderr
    assert "talk-b.info.json" in said.stderr


@pytest.mark.slow
def test_redo_computes_one_video_from_a_stage_on(in_talks: Impressions) -> None:
    said = in_talks("redo", "talk-b", "--from", "chapters")
    assert said.exit_code == 0, said.stderr
    computed = re.findall(r"✓ (\w+) 3 rows, 1 computed", said.stderr)
    assert sorted(computed) == ["articles", "chapters", "documents", "qa_pairs"]
    assert "transcripts" not in said.stderr


@pytest.mark.slow
def test_redo_takes_a_link(in_talks: Impressions) -> None:
    said = in_talks("redo", "https://youtu.be/talk-b", "--from", "documents")
    assert "✓ documents 3 rows, 1 computed" in said.stderr


def test_redo_of_an_article_leaves_what_no_article_feeds(in_talks: Impressions) -> None:
    said = in_talks("redo", "talk-b", "--from", "articles")
    assert "✓ articles 3 rows, 1 computed" in said.stderr
    assert "tokenizer" not in said.stderr


def test_redo_names_what_it_does_not_know(in_talks: Impressions) -> None:
    stage = in_talks("redo", "talk-b", "--from", "captions")
    assert (stage.exit_code, "begin from: videos, transcripts" in stage.stderr) == (1, True)
    video = in_talks("redo", "talk-bb")
    assert (video.exit_code, "Did you mean talk-b" in video.stderr) == (1, True)


@pytest.mark.slow
def test_a_channel_that_left_the_file_is_neither_computed_nor_shown_first(
    in_talks: Impressions, talks: Path
) -> None:
    file = talks / "storage/channels.yaml"
    file.write_text(file.read_text().replace("  talks:", "  zebra:"))
    alone = in_talks("redo", "talk-b", "--from", "documents")
    assert (alone.exit_code, "It was retired; to have it again:" in alone.stderr) == (1, True)
    assert "in channel talks" in in_talks("show", "talk-b").stdout
    assert in_talks("materialize", "zebra", "--select", DATA).exit_code == 0
    assert "in channel zebra" in in_talks("show", "talk-b").stdout
    said = in_talks("redo", "talk-b", "--from", "chapters")
    assert said.exit_code == 0, said.stderr
    assert "✓ chapters 3 rows, 1 computed" in said.stderr


@pytest.mark.slow
def test_in_a_terminal_of_its_own_dagster_writes_to_a_log(
    mine: Impressions, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "impressions_assets", "materialize", "mine", "--select"]
    ran = subprocess.run([*command, "videos"], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert re.fullmatch(r"✓ videos 3 rows, 3 computed \d+\.\d s\n", ran.stderr)
    (log,) = (tmp_path / "home/logs").iterdir()
    assert "RUN_SUCCESS" in log.read_text()
    loud = subprocess.run([*command, "videos", "-v"], capture_output=True, text=True, check=True)
    assert "RUN_SUCCESS" in loud.stderr


def test_a_long_text_leaves_names_and_seconds_whole() -> None:
    console = Console(width=60)
    view = RunView(console, ["checkpoint", "evaluation"])
    line = view.lines["checkpoint"]
    line.started, line.ended, line.facts = 1.0, 4.0, "a sample [of] words " * 20
    with console.capture() as shown:
        console.print(view._table())
    first, second = shown.get().splitlines()
    assert re.match(r"✓ +checkpoint +a sample \[of\] words .*… +3\.0 s", first)
    assert second.split() == ["evaluation"]


@pytest.mark.parametrize(
    ("named", "config"),
    [((), {}), (("--variant", "own"), {"ops": {"chat_model": {"config": {"variant": "own"}}}})],
)
def test_the_variant_that_is_named_is_tuned(
    mine: Impressions,
    monkeypatch: pytest.MonkeyPatch,
    named: tuple[str, ...],
    config: dict[str, object],
) -> None:
    started: list[Launch] = []
    monkeypatch.setattr(running, "perform", lambda _, launches, **__: started.extend(launches))
    assert mine("materialize", "mine", "--select", "chat_model", *named).exit_code == 0
    assert [launch.config for launch in started] == [config]


@pytest.mark.parametrize(
    ("select", "why"),
    [("chat_model", "did you mean own"), ("documents", "add --select chat_model")],
)
def test_a_variant_that_cannot_be_tuned_is_refused_before_anything_runs(
    mine: Impressions, tmp_path: Path, select: str, why: str
) -> None:
    said = mine("materialize", "mine", "--select", select, "--variant", "owm")
    assert said.exit_code == 1
    assert why in said.stderr
    assert not (tmp_path / "home/dagster").exists()
