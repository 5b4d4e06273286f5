"""An image's install steps, run in a folder where no container engine is: the Dockerfile's lines.

`python -m impressions_assets_tests.image_installs web code train` makes for each the environment
that its image copies, from what the image's build stages copy and run, and starts what it serves.
`speech` brings 3 GB of CUDA and is left to machines that have the room.
"""

import argparse
import glob
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
# The stage that makes an image's environment, and what must start in it.
IMAGES = {
    "web": ("build-web", ["dagster-webserver --version", "dagster-daemon --version"]),
    "code": ("build-code", ["python -c 'import impressions_assets.definitions, dagster_k8s'"]),
    "train": ("build-train", ["python -c 'import impressions_assets.definitions, torch, trl'"]),
    "speech": ("build-speech", ["python -c 'import whisperx'"]),
}


class Stage(NamedTuple):
    """One stage of the Dockerfile: the stage or image that it begins with, and its steps."""

    base: str
    steps: list[tuple[str, str]]


def stages_of(dockerfile: str) -> dict[str, Stage]:
    """Read the stages by name, each with its instructions in order."""
    stages: dict[str, Stage] = {}
    steps: list[tuple[str, str]] = []
    whole = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, whole.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            steps = []  # what stands before the first is no stage's
            stages[name] = Stage(base, steps)
        else:
            steps.append((instruction, rest))
    return stages


def steps_of(stages: dict[str, Stage], name: str) -> Iterator[tuple[str, str]]:
    """Return the steps of a stage, after those of the stages that it builds on."""
    if name in stages:
        yield from steps_of(stages, stages[name].base)
        yield from stages[name].steps


def run_steps(steps: Iterator[tuple[str, str]], folder: Path) -> None:
    """Copy and run what the steps say, with /opt and /src below `folder`."""
    source = folder / "src"
    source.mkdir(parents=True)
    for instruction, rest in steps:
        if instruction == "COPY":
            *names, _ = rest.split()
            for path in (Path(found) for name in names for found in glob.glob(str(ROOT / name))):
                if path.is_dir():
                    shutil.copytree(path, source / path.name, dirs_exist_ok=True)
                else:
                    shutil.copy(path, source / path.name)
        elif instruction == "RUN":
            run(re.sub(r"--mount=\S+\s+", "", rest), folder)


def run(command: str, folder: Path) -> None:
    placed = command.replace("/opt/", f"{folder}/opt/").replace("python -m venv", _VENV)
    path = f"{folder}/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"
    print(f"  $ {command}", flush=True)
    environ = {"PATH": path, "HOME": str(folder), "PIP_NO_INPUT": "1", "PIP_QUIET": "2"}
    shell = ["bash", "-euo", "pipefail", "-c", placed]
    subprocess.run(shell, cwd=folder / "src", check=True, env=environ)


_VENV = f"{sys.executable} -m venv"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.image_installs")
    parser.add_argument("images", nargs="+", choices=sorted(IMAGES))
    stages = stages_of((ROOT / "deploy" / "Dockerfile").read_text("utf-8"))
    for image in parser.parse_args().images:
        stage, starts = IMAGES[image]
        print(f"{image}: {stage}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"image-{image}-") as folder:
            run_steps(steps_of(stages, stage), Path(folder))
            for command in starts:
                run(command, Path(folder))


if __name__ == "__main__":
    main()
