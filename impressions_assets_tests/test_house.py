"""The house itself: its papers say what is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from impressions_assets.storage import dictionary
from impressions_assets.storage.records import ROW_TYPES

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_data_dictionary_is_current() -> None:
    page = (ROOT / "docs/data-dictionary.md").read_text()
    assert page == dictionary.data_dictionary(), "run `make docs`"


def test_the_data_dictionary_describes_every_field_of_every_row() -> None:
    page = dictionary.data_dictionary()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    undescribed = [
        line for line in lines if not re.fullmatch(r"\| `\w+` \| \S.* \| [^ ;].* \|", line)
    ]
    assert undescribed == []
    assert len(lines) > 60


def test_every_table_and_every_row_inside_a_row_has_its_section() -> None:
    titles = re.findall(r"^## (.*)$", dictionary.data_dictionary(), re.MULTILINE)
    assert [title for title in titles if title.startswith("`")] == [f"`{n}`" for n in ROW_TYPES]
    assert {"Chapter", "Track", "Segment", "Word", "Dropped", "QAPair"} <= set(titles)
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("extra", [None, *(name for name in EXTRAS if name != "asr")])
def test_what_was_tested_is_within_what_is_asked_for(extra: str | None) -> None:
    asked = [Requirement(item) for item in (EXTRAS[extra] if extra else PROJECT["dependencies"])]
    tested = pins()
    for item in asked:
        assert item.specifier.contains(tested[canonicalize_name(item.name)]), item


def test_constraints_name_versions_that_any_registry_has() -> None:
    assert [name for name, version in pins().items() if not re.fullmatch(r"[\w.]+", version)] == []


def test_every_target_of_make_is_explained_by_make_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([\w-]+)", told.stdout, re.MULTILINE) == phony[1].split()


def test_make_without_a_fitting_python_says_what_to_install(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    made = subprocess.run(
        ["make", "setup", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.returncode != 0
    assert "Install one" in made.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("channels.file", {"dagster", "torch", "pandas"}),
        ("settings", {"dagster", "torch", "pandas"}),
        pytest.param("gpt.sample", {"dagster", "pandas", "torch._dynamo"}, marks=pytest.mark.slow),
    ],
)
def test_what_is_loaded_often_loads_nothing_heavy(module: str, absent: set[str]) -> None:
    code = f"import sys, impressions_assets.{module}; print({absent!r} & sys.modules.keys())"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("set()\n", "")
