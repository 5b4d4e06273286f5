"""What one step hands to the next: small values of JSON, kept in the run's own log.

A step may run in a process or a pod of its own. Its log is where all of them can read and write
already; files would need a disk that they share, and somebody to tidy it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.events import HandledOutputData  # no public name for it

KEY = "step_values"  # of the resource
_KEPT, _VALUE, _MAPPED = "handed on", "value", "mapping_key"


class StepValues(dg.ConfigurableIOManager):
    """Keeps what steps hand on in the log of their run."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Keep a value of JSON."""
        kept = {_VALUE: obj, _MAPPED: context.mapping_key}
        context.add_output_metadata({_KEPT: dg.MetadataValue.json(kept)})

    def load_input(self, context: dg.InputContext) -> Any:
        """Read a value of this run, or of the one that it goes on from."""
        upstream = context.upstream_output
        assert upstream is not None
        wanted = (upstream.step_key, upstream.name, upstream.mapping_key)
        for place, value in _kept(context.instance, upstream.run_id):
            if place == wanted:
                return value
        raise LookupError(
            f"run {upstream.run_id} has no {upstream.name} of step {upstream.step_key} in its log:"
            " was it wiped? Start the run anew"
        )


def values_of(instance: dg.DagsterInstance, run_id: str, step: str) -> list[Any]:
    """What the mapped steps of one name have handed on so far."""
    return [value for (key, _, _), value in _kept(instance, run_id) if key.startswith(f"{step}[")]


def _kept(
    instance: dg.DagsterInstance, run_id: str
) -> Iterator[tuple[tuple[str, str, str | None], Any]]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.HANDLED_OUTPUT):
        event = entry.dagster_event
        assert event is not None
        assert event.step_key is not None
        said = event.event_specific_data
        assert isinstance(said, HandledOutputData)
        if _KEPT in said.metadata:
            kept: Any = said.metadata[_KEPT].value
            yield (event.step_key, said.output_name, kept[_MAPPED]), kept[_VALUE]
