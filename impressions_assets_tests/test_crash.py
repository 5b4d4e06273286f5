"""What `kill -9` leaves behind: nothing that a run of the same channel does not put right.

The moments are random, from a fixed seed. A fork server has imported everything, so that a run
costs what it does, and not the two seconds of its imports.
"""

import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.demo.render import write_archive
from impressions_assets.gpt.run import TrainingResult
from impressions_assets.jobs import DATA_ASSETS
from impressions_assets.runs import open_instance
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import ROW_TYPES

pytestmark = pytest.mark.slow

CHANNEL = "talks"
MODEL = "checkpoint"
LONGEST_RUN_SECONDS = 300.0
CHANNELS = """\
channels:
  talks:
    sources:
      - archive: {archive}
    tokenizer: {{vocab_size: 400}}
    model: {{preset: debug}}
    training: {{length: quick, max_iters: 300, eval_interval: 20, eval_iters: 2, device: cpu}}
"""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["impressions_assets.definitions", "impressions_assets.cli.running", __name__]
)


def materialize(home: Path, *assets: str) -> None:
    """`impressions materialize talks --select …`, in this process."""
    os.environ["IMPRESSIONS_HOME"] = str(home)
    from impressions_assets.cli.place import open_place
    from impressions_assets.cli.running import launches_of, perform

    perform(open_place(), launches_of(CHANNEL, ",".join(assets)), verbose=True)


def open_new(home: Path) -> None:
    """What every command does first, in this process."""
    open_instance(home / "dagster").dispose()


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a channel, of which nothing was materialized yet."""
    folder = tmp_path_factory.mktemp("blank")
    archive = folder / "archive"
    write_archive(archive)
    videos = sorted({path.name.split(".")[0] for path in archive.iterdir()})
    for path in list(archive.iterdir()):
        if path.name.split(".")[0] not in videos[:6]:
            path.unlink()
    home = folder / "home"
    text = CHANNELS.format(archive=archive)
    Home(str(home / "storage")).store.write_text(CHANNELS_FILE, text)
    open_instance(home / "dagster").dispose()  # seconds that each copy need not spend
    return home


class Undisturbed:
    """What a run gives that nobody disturbs, and how long it takes."""

    def __init__(self, home: Path) -> None:
        began = time.monotonic()
        assert finishes(started(materialize, home, *DATA_ASSETS))
        self.data_seconds = time.monotonic() - began
        assert finishes(started(materialize, home, MODEL))
        self.seconds = time.monotonic() - began
        self.content = content_of(home)


@pytest.fixture(scope="module")
def undisturbed(blank: Path) -> Undisturbed:
    return Undisturbed(copy_of(blank, "undisturbed"))


@pytest.fixture
def home(blank: Path) -> Iterator[Path]:
    home = copy_of(blank, "disturbed")
    yield home
    shutil.rmtree(home)


def test_kills_at_any_moment_leave_no_trace_once_a_run_has_finished(
    home: Path, blank: Path, undisturbed: Undisturbed
) -> None:
    moments = random.Random(9)
    kills_of_data, kills = 0, 0
    while kills < 22:
        # A data run is short beside a training: it gets its half of the moments.
        longest = undisturbed.data_seconds if kills_of_data <= kills / 2 else undisturbed.seconds
        run = started(materialize, home, *DATA_ASSETS, MODEL)
        run.join(moments.uniform(0, longest))
        if run.exitcode is None:
            kills += 1
            kills_of_data += not (home / "scratch" / "training").exists()
            kill(run, with_children=moments.random() < 0.5)
            continue
        assert run.exitcode == 0
        assert content_of(home) == undisturbed.content
        shutil.rmtree(home)
        shutil.copytree(blank, home)

    assert finishes(started(materialize, home, *DATA_ASSETS, MODEL))
    assert content_of(home) == undisturbed.content


@pytest.mark.parametrize("with_children", [True, False], ids=["with its child", "alone"])
def test_a_training_killed_and_resumed_gives_the_same_bits(
    home: Path, undisturbed: Undisturbed, with_children: bool
) -> None:
    assert finishes(started(materialize, home, *DATA_ASSETS))
    first = started(materialize, home, MODEL)
    wait_for_checkpoint(home)
    children = kill(first, with_children=with_children)

    began = time.monotonic()
    second = started(materialize, home, MODEL)
    _, orphans = psutil.wait_procs(children, timeout=60)
    assert not orphans
    assert finishes(second)

    assert content_of(home) == undisturbed.content
    assert (result_of(home).resumed_from or 0) > 0
    assert time.monotonic() - began < undisturbed.seconds + 60  # the pool's slot was freed


def test_two_runs_of_one_channel_at_once_end_as_one_does(
    home: Path, undisturbed: Undisturbed
) -> None:
    runs = [started(materialize, home, *DATA_ASSETS, MODEL) for _ in range(2)]

    assert [finishes(run) for run in runs] == [True, True]
    assert content_of(home) == undisturbed.content


def test_commands_that_open_a_new_home_at_once_all_open_it(tmp_path: Path) -> None:
    for new in ("first", "second", "third"):
        runs = [started(open_new, tmp_path / new) for _ in range(4)]
        assert [finishes(run) for run in runs] == [True] * 4


def copy_of(blank: Path, name: str) -> Path:
    return Path(shutil.copytree(blank, blank.parent / name))


def started(target: object, *arguments: object) -> ForkServerProcess:
    run = FORKS.Process(target=target, args=arguments)  # type: ignore[arg-type]
    run.start()
    return run


def finishes(run: ForkServerProcess) -> bool:
    run.join(LONGEST_RUN_SECONDS)
    return run.exitcode == 0


def kill(run: ForkServerProcess, *, with_children: bool) -> list[psutil.Process]:
    """`kill -9` a run, and its training with it or not; return the trainings."""
    assert run.pid is not None
    children = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    for child in children if with_children else []:
        child.kill()
    run.join()
    return children


def wait_for_checkpoint(home: Path) -> None:
    """Wait until a training has saved what it learned: the first is of the weights at its start."""
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while not list(home.glob("scratch/training/*/out/best/*.safetensors")):
        assert time.monotonic() < deadline, "the training saved nothing"
        time.sleep(0.05)


def content_of(home: Path) -> dict[str, object]:
    """The rows of each table, the shards, and the weights, by their hashes."""
    opened = Home(str(home / "storage"))
    written = [name for name in ROW_TYPES if name not in ("artifacts", "captures")]
    content: dict[str, object] = {n: opened.table(n).data_version(CHANNEL) for n in written}
    for kind in ("tokenizer", "token_shards"):
        content[kind] = opened.version(CHANNEL, kind).digest
    weights = opened.version(CHANNEL, MODEL).files
    return content | {"weights": {f.digest for f in weights if f.name.endswith(".safetensors")}}


def result_of(home: Path) -> TrainingResult:
    opened = Home(str(home / "storage"))
    made = opened.version(CHANNEL, MODEL)
    return TrainingResult.load(opened.store.fetch(made.files, home / "made") / "result.json")
