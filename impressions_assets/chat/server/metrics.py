"""What a server counts, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from impressions_assets.chat.server.slots import Slots

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The figures of one server."""

    def __init__(self, slots: Slots) -> None:
        """Begin with nothing counted."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "impressions_requests", "Requests", ["path", "status"], registry=self._registry
        )
        self.answers = Counter(
            "impressions_answers", "Answers, by how they ended", ["end"], registry=self._registry
        )
        self.pieces = Counter(
            "impressions_answer_pieces", "Pieces of answers, about a token each",
            registry=self._registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "impressions_answer_seconds", "Seconds an answer took",
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        taken = Gauge("impressions_slots_taken", "Answers being made", registry=self._registry)
        waiting = Gauge("impressions_waiting", "Requests that wait", registry=self._registry)
        taken.set_function(lambda: slots.taken)
        waiting.set_function(lambda: slots.waiting)

    def text(self) -> bytes:
        """All of them, in Prometheus's format."""
        return generate_latest(self._registry)
