"""Many questions to one source, some at a time, until it wants to be left alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from impressions_assets.errors import SourceError, SourcePaused, SourceRefused

Q = TypeVar("Q")
A = TypeVar("A")

STOPS = (SourcePaused, SourceRefused)
"""What holds for every question, and says nothing of the one that met it."""


def answers(
    ask: Callable[[Q], A], questions: Sequence[Q], concurrency: int = 1
) -> Iterator[tuple[Q, A | SourceError]]:
    """Yield each question with its answer or its error, as they come.

    After a pause or a refusal nothing more is begun: all questions that are left get that error.
    Nothing is begun either after any other error, or when the caller stops listening; what is
    under way then is waited for.
    """
    if not questions:
        return
    stop = threading.Event()
    stops: list[SourceError] = []

    def answer(question: Q) -> A | SourceError | None:
        if stop.is_set():
            return None
        try:
            return ask(question)
        except SourceError as error:
            if isinstance(error, STOPS):
                stops.append(error)
                stop.set()
            return error
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(min(concurrency, len(questions))) as pool:
        futures = {pool.submit(answer, question): question for question in questions}
        try:
            for future in as_completed(futures):
                found = future.result()
                if found is not None:
                    yield futures[future], found
                elif stops:
                    yield futures[future], stops[0]
        finally:
            stop.set()
