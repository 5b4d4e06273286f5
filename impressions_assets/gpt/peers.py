"""The other processes of a training on this machine, one for each CUDA device.

The process that was started becomes the first rank, so that signals, Dagster's Pipes and exit codes
are what they are with one. Peers hold nothing that must be saved: they end when it does. Across
machines, or by hand, `torchrun` starts all ranks alike, and nothing here is used.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from impressions_assets.child import Place
from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import Device, TrainConfig
from impressions_assets.gpt.device import device_of

_GRACE_SECONDS = 60.0  # to notice by oneself that a peer is gone; a save may be going on
_ENDING_SECONDS = 60.0


def num_processes(config: TrainConfig) -> int:
    """As many as are set, else one for each CUDA device, as long as each has a window to work on.

    Raises `TrainingError` when more are set than there are devices.
    """
    if config.processes is not None:
        return checked_processes(config.processes, config.device)
    on_cuda = device_of(config.device).type == "cuda"
    num_devices = torch.cuda.device_count() if on_cuda else 1
    return min(num_devices, config.batch_size * config.gradient_accumulation_steps)


def checked_processes(processes: int, name: Device) -> int:
    """The number of processes; `TrainingError` when there are not as many CUDA devices."""
    on_cuda = device_of(name).type == "cuda"
    if on_cuda and processes > (num_devices := torch.cuda.device_count()):
        raise TrainingError(
            f"processes is {processes}, and this machine shows {num_devices} CUDA "
            f"devices; set {num_devices} at most"
        )
    return processes


@contextmanager
def peers(
    run_file: Path, world_size: int, module: str = "impressions_assets.gpt.train"
) -> Iterator[Place | None]:
    """Start the others, and give the place of this process among them."""
    if world_size == 1:
        yield None
        return
    meeting = run_file.with_name(f".{run_file.stem}-{os.getpid()}.meeting").resolve()
    meeting.unlink(missing_ok=True)
    places = [Place(rank, world_size, rank, f"file://{meeting}") for rank in range(world_size)]
    processes = [
        subprocess.Popen([sys.executable, "-m", module, str(run_file), *map(str, place)])
        for place in places[1:]
    ]
    ended = threading.Event()
    threading.Thread(target=_watch, args=(processes, ended, run_file), daemon=True).start()
    try:
        yield places[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            for process in processes:
                process.wait(_ENDING_SECONDS)
    finally:
        ended.set()
        for process in processes:
            process.kill()
            process.wait()
        meeting.unlink(missing_ok=True)


def _watch(
    processes: Sequence[subprocess.Popen[bytes]], ended: threading.Event, run_file: Path
) -> None:
    """End this process when a peer is gone and it waits for that one's device for ever."""
    while not ended.wait(0.5):
        failed = [process for process in processes if process.poll()]
        if failed and not ended.wait(_GRACE_SECONDS):
            error_file = run_file.with_suffix(".error")
            if not error_file.exists():  # else it said itself what happened
                error_file.write_text(
                    f"process {failed[0].pid} of this training ended with code "
                    f"{failed[0].returncode}; what was saved before is intact: start it again",
                    encoding="utf-8",
                )
            print(error_file.read_text("utf-8"), file=sys.stderr, flush=True)
            os._exit(1)
