"""Kubernetes as deploy/README.md sets it up: its commands, and our values by the chart's schema."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parent.parent / "deploy"
VALUES = YAML(typ="safe").load((DEPLOY / "kubernetes" / "values.yaml").read_text())
README = (DEPLOY / "README.md").read_text()
OURS_ALONE = re.compile(r"PROJECT|BUCKET|TAG|example\.(org|internal)")


def commands(page: str, section: str) -> list[str]:
    """The commands of a section, each on one line."""
    text = re.split(r"^## ", page, flags=re.MULTILINE)
    found = next(part for part in text if part.startswith(section))
    lines: list[str] = []
    for block in re.findall(r"```console\n(.*?)```", found, re.DOTALL):
        joined = re.sub(r"\\?\n +(?!\s*\$ )", " ", block)
        lines += [line.strip()[2:] for line in joined.splitlines() if line.strip()[:2] == "$ "]
    return lines


def program(folder: Path, name: str, says: str) -> None:
    """A program that tells something, and does nothing."""
    (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def filled_in(tmp_path: Path) -> Path:
    """A checkout after the page's commands that make names, and put them into files; twice."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    programs = tmp_path / "programs"
    programs.mkdir()
    program(programs, "gcloud", "10.1.2.3")
    made_here = "export|mkdir|openssl|for file in"
    ours = [c for c in commands(README, "Kubernetes") if re.match(made_here, c)]
    names = ["export", "export", "export", "openssl", "export", "export", "mkdir", "for"]
    assert [c.split()[0] for c in ours] == names
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    for tag in ("1a2b3c4", "5d6e7f8"):  # an update finds its names, as the first time did
        program(programs, "git", tag)
        script = "set -eu\n" + "\n".join(ours)
        subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environ, check=True)
    return tmp_path


def test_the_commands_of_the_page_put_your_names_everywhere(filled_in: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{48}", (filled_in / "password").read_text()), "no end of line"
    files = sorted((filled_in / "deploy/cluster").glob("*.yaml"))
    assert [f.name for f in files] == sorted(f.name for f in (DEPLOY / "kubernetes").iterdir())
    for file in files:
        said = [line for line in file.read_text().splitlines() if not line.strip().startswith("#")]
        assert not [line for line in said if OURS_ALONE.search(line)], file.name
        YAML(typ="safe").load(file.read_text())
    values = YAML(typ="safe").load((filled_in / "deploy/cluster/values.yaml").read_text())
    assert values["postgresql"]["postgresqlHost"] == "10.1.2.3"
    assert values["computeLogManager"]["config"]["gcsComputeLogManager"]["bucket"] == "my-bucket"
    assert values["dagsterWebserver"]["image"]["tag"] == "5d6e7f8"


def test_what_the_page_fills_in_leaves_what_git_tracks_alone(filled_in: Path) -> None:
    assert "/deploy/cluster/" in (DEPLOY.parent / ".gitignore").read_text().splitlines()
    for file in (DEPLOY / "kubernetes").iterdir():
        copied = filled_in / "deploy/kubernetes" / file.name
        assert copied.read_text() == file.read_text(), file.name


def option(command: str, name: str) -> str | None:
    words = shlex.split(command)
    return words[words.index(name) + 1] if name in words else None


# What of a machine pods may have: https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes
ROOM = {"e2-standard-8": (7.5, 27.5), "g2-standard-12": (11.5, 42.5)}


@pytest.mark.parametrize("with_gpu", [False, True])
def test_each_step_finds_a_machine_that_has_room_for_it(with_gpu: bool) -> None:
    kind = "node-pools create" if with_gpu else "clusters create"
    (made,) = [c for c in commands(README, "Kubernetes") if f"gcloud container {kind}" in c]
    assert int(option(made, "--total-max-nodes") or 0) > 1, "no machines come with the work"
    assert option(made, "--service-account") == "$NODES", "Google's default may pull no images"
    cpus, gigabytes = ROOM[option(made, "--machine-type") or ""]
    pods = YAML(typ="safe").load((DEPLOY / "kubernetes" / "pods.yaml").read_text())
    for name, step in {"any": pods["step_k8s_config"], **pods["per_step_k8s_config"]}.items():
        asks = step["container_config"]["resources"]
        if ("nvidia.com/gpu" in asks["limits"]) == with_gpu:
            assert cores(asks["requests"]["cpu"]) <= cpus, name
            assert float(asks["requests"]["memory"].removesuffix("Gi")) <= gigabytes, name


def cores(said: str) -> float:
    return float(said.removesuffix("m")) / (1000 if said.endswith("m") else 1)


def test_the_database_is_of_an_edition_that_has_its_size() -> None:
    (made,) = [c for c in commands(README, "Kubernetes") if "sql instances create" in c]
    # From Postgres 16 on, Google's default is Enterprise Plus, which refuses these.
    assert (option(made, "--tier") or "").startswith("db-custom-")
    assert option(made, "--edition") == "enterprise"


def test_what_the_page_makes_it_also_takes_away() -> None:
    said = commands(README, "Kubernetes")
    made = re.compile(r"gcloud ([\w -]+?) create (\S+)")
    of_others = {"container node-pools", "sql users", "sql databases", "sql backups"}
    ours = {m.groups() for c in said if (m := made.match(c)) and m[1] not in of_others}
    assert len(ours) == 7
    for kind, name in ours:
        full = {"impressions-nodes": "$NODES", "impressions": "$PODS"} if "iam" in kind else {}
        gone = f"{kind} delete {full.get(name, name)}"
        if kind == "storage buckets":
            gone = f"storage rm --recursive {name}"
        assert [c for c in said if f"gcloud {gone}" in c], gone


def test_the_webserver_listens_where_the_page_and_its_probe_look() -> None:
    webserver = VALUES["dagsterWebserver"]
    port = webserver["service"]["port"]
    assert port >= 1024, "a user without capabilities may have none below"
    assert webserver["readinessProbe"]["httpGet"]["port"] == port
    (forward,) = [c for c in commands(README, "Kubernetes") if "port-forward" in c]
    assert forward.split()[-1] == f"3000:{port}"


def test_every_image_that_a_file_names_is_built_by_the_page() -> None:
    named = set[str]()
    for file in (DEPLOY / "kubernetes").glob("*.yaml"):
        named |= set(re.findall(r"registry\.example\.org/impressions/(\w+)", file.read_text()))
    (loop,) = re.findall(r"for image in ([\w ]+);", README)
    assert set(loop.split()) == named


def test_every_line_of_the_page_is_one_that_a_shell_understands() -> None:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        script = re.sub(r"^ *\$ ", "", block, flags=re.MULTILINE)
        told = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert (told.returncode, told.stderr) == (0, ""), block


def test_every_name_that_the_page_uses_was_set_by_it() -> None:
    used, known = set(), {"PWD"}
    for command in commands(README, "Kubernetes"):
        used |= set(re.findall(r"\$\{?([A-Z_]+|[a-z]+)\b", command)) - known
        known |= set(re.findall(r"\b([A-Z_]+|[a-z]+)(?==| in )", command))
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
