"""Many clients at a channel's server at once: what they get, and what memory it takes.

    python -m impressions_assets_tests.bench.chat_load [--clients 50] [--seconds 60]

A tiny Llama in a process of its own answers, streaming, two at a time; refused clients wait as long
as they are told to, up to two seconds.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import psutil
import requests

_ASKED = {"messages": [{"role": "user", "content": "What is a token?"}], "stream": True}
_LONGEST_PAUSE = 2.0


class Load(NamedTuple):
    """What came back."""

    statuses: Counter[int]  # 200 counts streams that came to their end
    problems: list[str]
    mb_before: float  # after a fifth of the time
    mb_after: float


def loaded(num_clients: int, seconds: float) -> Load:
    """Let clients ask for so long."""
    with _server() as (url, process):
        statuses: Counter[int] = Counter()
        problems: list[str] = []
        ends = time.monotonic() + seconds
        args = (url, ends, statuses, problems)
        clients = [threading.Thread(target=_client, args=args) for _ in range(num_clients)]
        for client in clients:
            client.start()
        time.sleep(seconds / 5)
        before = process.memory_info().rss / 1e6
        for client in clients:
            client.join()
        return Load(statuses, problems, before, process.memory_info().rss / 1e6)


def _client(url: str, ends: float, statuses: Counter[int], problems: list[str]) -> None:
    while time.monotonic() < ends:
        try:
            path = f"{url}/v1/chat/completions"
            with requests.post(path, json=_ASKED, stream=True, timeout=60) as answer:
                text = answer.text
        except requests.RequestException as error:
            problems.append(repr(error))
            return
        statuses[answer.status_code] += 1
        if answer.status_code == 200 and not text.endswith("data: [DONE]\n\n"):
            problems.append(f"a stream ended early: {text[-200:]!r}")
        if answer.status_code == 429:
            time.sleep(min(_LONGEST_PAUSE, float(answer.headers["Retry-After"])))


@contextmanager
def _server() -> Iterator[tuple[str, psutil.Process]]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv(), psutil.Process(process.pid)
    finally:
        process.kill()
        process.join()


def _serve(parent: Connection) -> None:
    import torch

    from impressions_assets.chat.desk import Desk
    from impressions_assets.chat.local_answerer import LocalAnswerer
    from impressions_assets.chat.server.app import make_app
    from impressions_assets.chat.server.slots import Limits
    from impressions_assets_tests.chat.tiny import write_llama
    from impressions_assets_tests.servers.chat import serving

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = LocalAnswerer.load(write_llama(Path(folder) / "llama", ["a token"]), "tiny", "cpu")
    app = make_app(Desk("Load", {"load": model}), Limits(answer_tokens=40, wait_seconds=5))
    with serving(app) as url:
        parent.send(url)
        threading.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.chat_load")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    chosen = parser.parse_args()
    load = loaded(chosen.clients, chosen.seconds)
    print("| clients | seconds | answered | refused, 429 | other | errors | MB before | MB after |")
    print("|---|---|---|---|---|---|---|---|")
    others = sum(load.statuses.values()) - load.statuses[200] - load.statuses[429]
    figures = (load.statuses[200], load.statuses[429], others, len(load.problems))
    told = (chosen.clients, chosen.seconds, *figures, round(load.mb_before), round(load.mb_after))
    print("| " + " | ".join(map(str, told)) + " |")
    print("\n".join(load.problems[:5]))
