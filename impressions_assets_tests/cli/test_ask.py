"""`ask`, with a model of transformers that is made on the spot, published as a tuning does it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from impressions_assets.answering.variants import KIND, variants
from impressions_assets.channels.chat import ChatVariant
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home
from impressions_assets_tests.chat.tiny import write_encoder, write_llama
from impressions_assets_tests.cli.conftest import Impressions, set_in_channels

ASKED = "What do tokens tell about attention?"
BRIEF = ("--no-guard", "-t", "12", "--may-loop")


@pytest.fixture
def asked(in_talks: Impressions, tmp_path: Path) -> Impressions:
    """The command line beside a channel that has a chat model, `tiny`, and another, `wide`."""
    home = Home(load_settings().storage)
    for name, width in (("tiny", 32), ("wide", 64)):
        base = write_llama(tmp_path / name, width=width)
        files = {f"merged/{path.name}": path for path in base.iterdir()}
        settings = ChatVariant(base=str(base)).model_dump()
        facts = {"variant": name, "base": str(base), "settings": settings}
        home.publish("talks", KIND, files, made_from=name, facts=facts, promote=lambda now: not now)
    assert variants(home, "talks") == ["tiny", "wide"]
    return in_talks


def test_a_question_is_answered_with_sources_to_the_second(asked: Impressions) -> None:
    said = asked("ask", "talks", ASKED, *BRIEF)
    assert said.exit_code == 0, said.stderr
    answer, _, sources = said.stdout.partition("\n\nsources\n")
    assert answer
    assert sources.startswith("- Talk talk-")
    assert asked("ask", "talks", ASKED, *BRIEF, "--sources", "0").stdout.strip() == answer.strip()


def test_sources_are_found_by_meaning_where_search_has_an_encoder(
    asked: Impressions, talks: Path, tmp_path: Path
) -> None:
    how = ("ask", "talks", "Elephants?", *BRIEF)
    assert "sources" not in asked(*how).stdout
    encoder = write_encoder(tmp_path / "encoder", ["elephants"])
    set_in_channels(talks, search={"encoder": str(encoder)})
    first, again = asked(*how), asked(*how)
    assert first.exit_code == 0, first.stderr
    assert "3 passages to encode" in first.stderr
    assert "to encode" not in again.stderr
    assert again.stdout.partition("\n\nsources\n")[2].startswith("- Talk talk-")


def test_each_line_of_a_file_is_answered_into_another(asked: Impressions, tmp_path: Path) -> None:
    questions, answers = tmp_path / "questions.txt", tmp_path / "new" / "answers.jsonl"
    questions.write_text(f"{ASKED}\n\n  And the loss?  \n", encoding="utf-8")
    said = asked("ask", "talks", "--file", str(questions), "--out", str(answers), *BRIEF)
    assert said.exit_code == 0, said.stderr
    assert "2 answers written" in said.stderr
    rows = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    assert [row["question"] for row in rows] == [ASKED, "And the loss?"]
    assert all(row["answer"] and row["in_scope"] for row in rows)
    assert rows[0]["sources"][0]["start_seconds"] == 0.0


def test_a_question_that_is_too_long_keeps_no_other_waiting(
    asked: Impressions, tmp_path: Path
) -> None:
    questions, answers = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text(f"{'long ' * 150}\n{ASKED}\n", encoding="utf-8")
    said = asked("ask", "talks", "--file", str(questions), "--out", str(answers), *BRIEF)
    assert said.exit_code == 1
    assert "no answer to 'long long" in said.stderr
    assert "ask something shorter" in " ".join(said.stderr.split())
    rows = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    assert [row["question"] for row in rows] == [ASKED]
    printed = asked("ask", "talks", "--file", str(questions), *BRIEF)
    assert printed.exit_code == 1
    assert printed.stdout.strip()


def test_an_export_again_leaves_the_store_as_it_was(asked: Impressions, tmp_path: Path) -> None:
    Path(tmp_path / "card").write_text("---\nlicense: other\n---\n# Talks\n", encoding="utf-8")
    home = Home(load_settings().storage)
    base = write_llama(tmp_path / "third")
    files = {f"merged/{path.name}": path for path in base.iterdir()}
    files["README.md"] = tmp_path / "card"
    home.publish("talks", KIND, files, made_from="3", facts={"variant": "tiny", "base": str(base)})
    for _ in range(2):
        told = ("export", "talks", "--format", "chat_model", "--to", str(tmp_path / "hub"))
        exported = asked(*told)
        assert exported.exit_code == 0, exported.stderr
    weights = tmp_path / "hub" / "model.safetensors"
    assert weights.stat().st_nlink == 1
    kept = home.current("talks", KIND)
    assert kept is not None
    card = home.store.fetch(kept.files, tmp_path / "again") / "README.md"
    assert card.read_text("utf-8") == "---\nlicense: other\n---\n# Talks\n"


def test_variants_and_their_bases_are_asked_by_name(asked: Impressions) -> None:
    tiny, wide, base = (
        asked("ask", "talks", ASKED, *BRIEF, *more).stdout
        for more in ((), ("-m", "wide"), ("-m", "wide:untuned"))
    )
    assert tiny != wide == base  # nothing was tuned here
    only_ends_so = asked("ask", "talks", ASKED, "-m", "wideuntuned").stderr
    assert "no chat model 'wideuntuned'" in " ".join(only_ends_so.split())
    refused = asked("ask", "talks", ASKED, "-m", "wid")
    assert refused.exit_code == 1
    assert "did you mean wide?" in refused.stderr


def test_what_is_not_the_subject_is_refused_with_the_reason(asked: Impressions) -> None:
    said = asked("ask", "talks", "Who are you?")
    assert said.exit_code == 0
    assert "outside of what this channel talks about" in said.stdout
    assert "it greets, or is about the person" in said.stderr
    assert "sources" not in said.stdout


def test_a_conversation_remembers_until_it_begins_anew(asked: Impressions) -> None:
    def answers(*lines: str) -> list[str]:
        how = (*BRIEF[1:], "--sources", "0")
        said = asked("ask", "talks", *how, typed="\n".join(lines))
        assert said.exit_code == 0, said.stderr
        return said.stdout.splitlines()

    alone, again, follows = ASKED, f"{ASKED}\n/new\n{ASKED}", f"{ASKED}\n?"
    [first] = answers(alone)
    assert answers(again, "", "not asked") == [first, first]
    assert answers(follows)[0] == first
    assert not answers(follows)[1].startswith("That seems to be outside")
    assert answers("?")[0].startswith("That seems to be outside")


def test_a_conversation_that_is_too_long_begins_anew(asked: Impressions) -> None:
    said = asked("ask", "talks", "--no-guard", "-t", "100", "--may-loop", typed=f"{ASKED}\n{ASKED}")
    assert said.exit_code == 0, said.stderr
    assert "it begins anew" in said.stderr


def test_passages_and_procedures_change_what_is_asked(asked: Impressions) -> None:
    plain = asked("ask", "talks", ASKED, *BRIEF).stdout
    summary = asked("ask", "talks", ASKED, *BRIEF, "--style", "plain")
    assert summary.exit_code == 1  # 128 tokens hold no second prompt
    assert "the prompt has" in summary.stderr
    both = asked("ask", "talks", ASKED, "--style", "plain", "--procedure", "haiku")
    assert "leave out one" in both.stderr
    assert plain != asked("ask", "talks", "tokens", *BRIEF).stdout
    assert (
        "There are: plain, summary" in asked("ask", "talks", ASKED, "--procedure", "haiku").stderr
    )


def test_a_channel_without_a_chat_model_says_what_to_run(in_talks: Impressions) -> None:
    said = in_talks("ask", "talks", ASKED)
    assert said.exit_code == 1
    assert "has no current version of 'chat_model'" in said.stderr


@pytest.mark.parametrize("written", ["", "\n \n"])
def test_a_file_without_questions_is_an_error(
    asked: Impressions, tmp_path: Path, written: str
) -> None:
    (tmp_path / "none.txt").write_text(written, encoding="utf-8")
    said = asked("ask", "talks", "--file", str(tmp_path / "none.txt"), *BRIEF)
    assert (said.exit_code, "holds no question" in said.stderr) == (1, True)
