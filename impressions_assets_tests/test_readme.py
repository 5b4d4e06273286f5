"""What our pages say holds: commands parse, the example is read, the picture is the lineage."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from impressions_assets.channels.channel import Channel
from impressions_assets.channels.file import parse_channels
from impressions_assets.cli.main import app
from impressions_assets.definitions import defs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    page
    for pattern in ("*.md", "deploy/*.md", "docs/*.md", "docs/decisions/*.md")
    for page in sorted(ROOT.glob(pattern))
]
_NUMBERS = {"TOKENS": "9", "VERSION": "1"}  # words that stand for a number


def commands_of(text: str) -> list[str]:
    """Every `impressions …` line of a console block, and every one within a sentence."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, flags=re.M | re.S)
    shown = [line for block in blocks for line in re.findall(r"^\$ (impressions .*)$", block, re.M)]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return [*shown, *re.findall(r"`(impressions [a-z][^`]*)`", prose)]


COMMANDS = [(page, line) for page in PAGES for line in commands_of(page.read_text("utf-8"))]


@cache
def _commands() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def parse(arguments: list[str]) -> None:
    """Let the parser take a command line, without running anything."""
    group = _commands()
    name, *rest = arguments
    context = group.make_context("impressions", [name])
    command = group.get_command(context, name)
    assert command is not None, f"there is no command {name!r}"
    if rest:  # a bare name speaks of the command
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    ("page", "line"), COMMANDS, ids=[f"{page.name}-{line}" for page, line in COMMANDS]
)
def test_each_command_of_our_pages_is_one(page: Path, line: str) -> None:
    parse([_NUMBERS.get(word, word) for word in shlex.split(line)[1:]])


def test_a_flag_that_is_none_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["channels", "--no-such-flag"])


def test_the_readme_shows_the_commands_that_matter() -> None:
    shown = {line.split()[1] for line in commands_of(README)}
    wanted = {"add", "materialize", "train", "generate", "models", "export", "show", "gc"}
    assert shown >= wanted | {"ask", "serve"}


def test_the_example_of_channels_yaml_is_read() -> None:
    (example,) = re.findall(
        r"<!-- channels.yaml: begin -->\n```yaml\n(.*?)```\n<!-- channels.yaml: end -->",
        (ROOT / "docs/channels.md").read_text("utf-8"),
        flags=re.S,
    )
    lectures = parse_channels(example).channels["lectures"]
    assert [source.kind for source in lectures.sources] == ["youtube", "archive", "text", "dataset"]
    assert lectures.model_fields_set == Channel.model_fields.keys()


def test_the_picture_shows_each_asset_in_its_group_with_what_it_reads() -> None:
    picture = re.search(r"```mermaid\n(.*?)```", README, flags=re.S)
    assert picture
    specs = [spec for asset in defs.assets or () for spec in asset.specs]
    groups = {(spec.group_name, spec.key.path[-1]) for spec in specs}
    arrows = {(dep.asset_key.path[-1], spec.key.path[-1]) for spec in specs for dep in spec.deps}
    assert set(_groups(picture[1])) == groups
    assert set(_arrows(picture[1])) == arrows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_our_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inner = [target for target in targets if "://" not in target]
    assert [target for target in inner if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_shows_a_variable_that_is_none(page: Path) -> None:
    files = ("impressions_assets/settings.py", "deploy/.env.example")
    settings = "".join((ROOT / file).read_text("utf-8") for file in files)
    named = set(re.findall(r"\bIMPRESSIONS_[A-Z_]+\b", page.read_text("utf-8")))
    assert {name for name in named if name not in settings} == set()


def _groups(picture: str) -> Iterator[tuple[str, str]]:
    for name, members in re.findall(r"subgraph (\w+)\n(.*?)\bend\n", picture, flags=re.S):
        for member in members.split():
            yield name, member


def _arrows(picture: str) -> Iterator[tuple[str, str]]:
    for line in picture.splitlines():
        left, arrow, right = line.partition("-->")
        for start in left.split("&") if arrow else ():
            for end in right.split("&"):
                yield start.strip(), end.strip()
