"""Several videos at the same time, for work that waits for answers; their order stays."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from impressions_assets.errors import ConfigError, ImpressionsError, SourcePaused, SourceRefused
from impressions_assets.language_model.answers import Answers
from impressions_assets.rows import Failed
from impressions_assets.storage.ledger import Inputs, Work

_STOPS = (ConfigError, SourcePaused, SourceRefused)  # what holds for all videos


def side_by_side(function: Callable[..., Any], answers: Answers, workers: int) -> Work:
    """Make the work of a stage out of a function from one video's rows to its row.

    Args:
        function: asks through `answers`; called in threads.
        answers: kept after each row, in this thread, so that a crash loses few of them.
        workers: calls at the same time; twice as many videos are in memory.
    """

    def work(inputs: Iterator[Inputs]) -> Iterator[Any]:
        ahead: deque[tuple[str, Future[Any]]] = deque()
        try:
            with ThreadPoolExecutor(workers, "language-model") as pool:
                try:
                    for rows in inputs:
                        ahead.append((rows[0].video_id, pool.submit(function, *rows)))
                        if len(ahead) >= 2 * workers:
                            yield _outcome(*ahead.popleft(), answers)
                    while ahead:
                        yield _outcome(*ahead.popleft(), answers)
                finally:
                    for _, future in ahead:
                        future.cancel()
        finally:
            answers.close()

    return work


def _outcome(video_id: str, future: Future[Any], answers: Answers) -> Any:
    try:
        row = future.result()
    except _STOPS:
        raise
    except ImpressionsError as error:
        row = Failed(video_id=video_id, error=str(error), retry=error.retry)
    answers.keep()
    return row
