"""Objects in memory, with the guarantees of a bucket: whole objects, generations, preconditions."""

import hashlib
import itertools
import threading
from dataclasses import dataclass
from datetime import UTC, datetime


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Object:
    """One version of an object."""

    name: str
    body: bytes
    generation: int
    updated: datetime

    @property
    def md5(self) -> bytes:
        return hashlib.md5(self.body).digest()


class Bucket:
    """Objects by name. One lock makes each change atomic."""

    def __init__(self) -> None:
        self._objects: dict[str, Object] = {}
        self._generations = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, name: str) -> Object:
        if name not in self._objects:
            raise Refused(404, f"No such object: {name}")
        return self._objects[name]

    def put(self, name: str, body: bytes, generation: str | None = None) -> Object:
        with self._lock:
            self._expect(name, generation)
            new = Object(name, body, next(self._generations), datetime.now(UTC))
            self._objects[name] = new
            return new

    def delete(self, name: str, generation: str | None = None) -> None:
        with self._lock:
            self._expect(name, generation)
            if self._objects.pop(name, None) is None:
                raise Refused(404, f"No such object: {name}")

    def list(self, prefix: str, after: str = "") -> list[Object]:
        with self._lock:
            found = [o for n, o in self._objects.items() if n.startswith(prefix) and n > after]
        return sorted(found, key=lambda o: o.name)

    def _expect(self, name: str, generation: str | None) -> None:
        known = self._objects.get(name)
        if generation is not None and int(generation) != (known.generation if known else 0):
            raise Refused(412, "At least one of the pre-conditions you specified did not hold.")
