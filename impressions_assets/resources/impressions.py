"""The Dagster resource that every asset uses: opens the storage root and its channels.yaml."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import psutil

from impressions_assets.channels.channel import Channel, Channels
from impressions_assets.channels.channels_yaml import channel_named, read_channels
from impressions_assets.channels.writing import LanguageModelSettings
from impressions_assets.language_model.answers import Answers
from impressions_assets.resources.cards import cards_for, held
from impressions_assets.resources.language_models import answers_of
from impressions_assets.resources.sources import Sources
from impressions_assets.settings import Settings, load_settings
from impressions_assets.sources.source import Source
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.storage.home import Home

PROCESS_TAG = "impressions/process"


class Impressions(dg.ConfigurableResource[None]):
    """Where this installation keeps what it makes: IMPRESSIONS_HOME and IMPRESSIONS_STORAGE."""

    storage: str | None = None
    """Another storage root than the environment names."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Leave a mark on the run, by which a later start can tell that its process is gone."""
        if context.instance and context.run and context.instance.has_run(context.run.run_id):
            leave_mark(context.instance, context.run)

    @cached_property
    def settings(self) -> Settings:
        """The environment's settings."""
        return load_settings()

    @cached_property
    def home(self) -> Home:
        """The storage root, opened."""
        return Home(self.storage or self.settings.storage)

    @property
    def scratch(self) -> Path:
        """A folder for work in progress; all that is in it can be made again."""
        return self.settings.scratch

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """Give a folder of scratch that is this run's alone, and goes when the work is done."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.scratch) as folder:
            yield Path(folder)

    @contextmanager
    def cards(
        self, device: str, log: Callable[[str], None], count: int | None = 1
    ) -> Iterator[Mapping[str, str]]:
        """Hold GPUs for the time of a `with`, and give the environment that shows them alone.

        Args:
            device: that the work is set to; what goes on a CPU holds none.
            log: told when others have to be waited for.
            count: how many are needed; None for all.
        """
        cards = cards_for(device, self.settings.visible_cards)
        with held(cards, self.scratch / "locks", count or len(cards), log) as shown:
            yield shown

    def channels(self) -> Channels:
        """Read channels.yaml; a ConfigError has the file, the lines and what is allowed."""
        return read_channels(self.home)

    def channel(self, name: str) -> Channel:
        """Return one channel of channels.yaml."""
        return channel_named(self.home, name)

    @contextmanager
    def sources(self, channel: Channel, *, sweep: bool = False) -> Iterator[list[Source]]:
        """Give a channel's sources for the time of a `with`; nothing is read yet."""
        with ExitStack() as stack:
            yield Sources(self.home, self.settings, stack).open(channel, sweep=sweep)

    def answers(self, model: LanguageModelSettings) -> Answers:
        """Give a language model, and what it said before; nothing is asked yet."""
        return answers_of(self.home, model, self.settings.language_model_key)

    def sources_of_many(self, stack: ExitStack) -> Sources:
        """Give what opens the sources of many channels, and asks each but once.

        It is closed with the stack.
        """
        return Sources(self.home, self.settings, stack, retries=Retries(tries=1))


def leave_mark(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Name the process of a run, with the run's own id: one started again inherits its tags.

    A process that the run's own started is but a step of it: the run outlives it.
    """
    known = instance.get_run_by_id(run.run_id)
    mark = known.tags.get(PROCESS_TAG) if known else None
    if any(mark == f"{named(process)} {run.run_id}" for process in psutil.Process().parents()):
        return
    instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{this_process()} {run.run_id}"})


def this_process() -> str:
    """Name this process so that it is not mistaken for a later one with the same number."""
    return named(psutil.Process())


def named(process: psutil.Process) -> str:
    """Name a process of this host."""
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"
