"""Whether the instance begins a failed run anew, as `run_retries` of its settings lets it.

Does not belong here: when a video that failed is due again (storage/attempts.py).
"""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy.exc import OperationalError

RETRY_TAG = "dagster/retry_on_asset_or_op_failure"


@dg.failure_hook
def retry_where_it_helps(context: dg.HookContext) -> None:
    """Have a run begun anew whose database was away, and none whose failure tells that it is vain.

    Dagster looks for its database for six seconds. Then the step fails that had something to tell
    it, as if by its own fault, and stays so: of ten channels amid a restart of 20 seconds, one did.
    """
    error, instance = context.op_exception, context.instance
    if isinstance(error, dg.Failure) and not error.allow_retries:
        retry = False
    elif any(isinstance(cause, OperationalError) for cause in _causes_of(error)):
        retry = True
    else:  # said anew: a retry has the tags of the run before it
        retry = instance.run_retries_retry_on_asset_or_op_failure
    instance.add_run_tags(context.run_id, {RETRY_TAG: str(retry).lower()})


def _causes_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
