"""Kubernetes as deploy/README.md sets it up: its commands, and our values by the chart's schema."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parent.parent / "deploy"
VALUES = YAML(typ="safe").load((DEPLOY / "kubernetes" / "values.yaml").read_text())
OURS_ALONE = re.compile(r"PROJECT|BUCKET|example\.(org|internal)")


def commands(page: str, section: str) -> list[str]:
    """The commands of a section, each on one line."""
    text = re.split(r"^## ", page, flags=re.MULTILINE)
    found = next(part for part in text if part.startswith(section))
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", found, re.DOTALL))
    joined = re.sub(r"\\\n\s+", " ", blocks)
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def test_the_commands_of_the_page_put_your_names_everywhere(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    programs = tmp_path / "programs"
    programs.mkdir()
    gcloud = programs / "gcloud"  # tells an address, and does nothing
    gcloud.write_text("#!/bin/sh\necho 10.1.2.3\n")
    gcloud.chmod(0o755)
    page = (DEPLOY / "README.md").read_text()
    ours = [c for c in commands(page, "Kubernetes") if re.match("export|sed|openssl", c)]
    assert [c.split()[0] for c in ours] == ["export", "export", "openssl", "sed", "sed"]
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    script = "set -eu\n" + "\n".join(ours)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environ, check=True)

    assert re.fullmatch(r"[0-9a-f]{48}", (tmp_path / "password").read_text()), "no end of line"
    for file in (tmp_path / "deploy/kubernetes").glob("*.yaml"):
        said = [line for line in file.read_text().splitlines() if not line.strip().startswith("#")]
        assert not [line for line in said if OURS_ALONE.search(line)], file.name
        YAML(typ="safe").load(file.read_text())
    values = YAML(typ="safe").load((tmp_path / "deploy/kubernetes/values.yaml").read_text())
    assert values["postgresql"]["postgresqlHost"] == "10.1.2.3"
    assert values["computeLogManager"]["config"]["gcsComputeLogManager"]["bucket"] == "my-bucket"


def test_every_image_that_a_file_names_is_built_by_the_page() -> None:
    named = set[str]()
    for file in (DEPLOY / "kubernetes").glob("*.yaml"):
        named |= set(re.findall(r"registry\.example\.org/impressions/(\w+)", file.read_text()))
    (loop,) = re.findall(r"for image in ([\w ]+);", (DEPLOY / "README.md").read_text())
    assert set(loop.split()) == named


def test_every_line_of_the_page_is_one_that_a_shell_understands() -> None:
    page = (DEPLOY / "README.md").read_text()
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        script = re.sub(r"^\$ ", "", block, flags=re.MULTILINE)
        told = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert (told.returncode, told.stderr) == (0, ""), block


def test_every_name_that_the_page_uses_was_set_by_it() -> None:
    used, known = set(), {"PWD"}
    for command in commands((DEPLOY / "README.md").read_text(), "Kubernetes"):
        used |= set(re.findall(r"\$\{?([A-Z_]+|image)\b", command)) - known
        known |= set(re.findall(r"\b([A-Z_]+|image)(?==| in )", command))
        assert used <= known, command


def test_values_are_as_the_charts_own_schema_has_them() -> None:
    """Not ours to carry: `helm pull dagster/dagster --untar` leaves it in the chart's folder.

    `helm` lays our values over the chart's own before it looks, so nothing is asked for here that
    we leave to those; what is wrong in kind, or unknown where the chart knows all, is told.
    """
    if not (place := os.environ.get("IMPRESSIONS_HELM_SCHEMA")):
        pytest.skip("IMPRESSIONS_HELM_SCHEMA names no values.schema.json of Dagster's chart")
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = of_our_own(json.loads(Path(place).read_text()))
    found = jsonschema.validators.validator_for(schema)(schema).iter_errors(VALUES)
    assert [f"{error.json_path}: {error.message}" for error in found] == []


def of_our_own(schema: Any) -> Any:
    """A schema that asks for nothing, and leads to no other."""
    if isinstance(schema, list):
        return [of_our_own(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    abroad = str(schema.get("$ref", "")).startswith("http")
    return {
        key: of_our_own(part)
        for key, part in schema.items()
        if not (key == "required" and isinstance(part, list)) and not (key == "$ref" and abroad)
    }
