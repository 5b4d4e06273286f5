"""Whether the instance begins a failed run anew, as `run_retries` of its settings lets it.

Does not belong here: when a video that failed is due again (storage/attempts.py).
"""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy.exc import OperationalError

RETRY_TAG = "dagster/retry_on_asset_or_op_failure"


@dg.failure_hook
def retry_where_it_helps(context: dg.HookContext) -> None:
    """Have a run begun anew whose database was away, and none whose step failed for a reason.

    Dagster looks for its database for six seconds. Then the step fails that had something to tell
    it, as if by its own fault, and stays so: of ten channels amid a restart of 20 seconds, one did.
    What failed for a reason is due again at a time of its own (storage/attempts.py).

    A step whose pod was lost runs no hook: there the instance's own word counts, which is `true`
    on Kubernetes (deploy/kubernetes/values.yaml), for to Dagster that is a failure of the step.
    """
    lost = any(isinstance(cause, OperationalError) for cause in _causes_of(context.op_exception))
    # Said in either case: a retry has the tags of the run before it.
    context.instance.add_run_tags(context.run_id, {RETRY_TAG: str(lost).lower()})


def _causes_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
