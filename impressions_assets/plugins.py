"""What other packages offer by entry point, beside ours: found by name, loaded when used."""

import sys
from collections.abc import Collection
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from impressions_assets.errors import ConfigError
from impressions_assets.wording import meant


def offered(group: str, ours: Collection[str]) -> list[str]:
    """Return all names: ours, and those of other packages."""
    return list(dict.fromkeys([*ours, *(point.name for point in _installed(group))]))


def plugin(group: str, name: str, ours: Collection[str], what: str) -> EntryPoint | None:
    """Return the one that has a name; None when it is ours.

    Raises:
        ConfigError: there is no such `what`, or several packages offer one.
    """
    points = {point.value: point for point in _installed(group) if point.name == name}
    offers = ["ours", *points] if name in ours else list(points)
    if not offers:
        known = offered(group, ours)
        there = f"{meant(name, known)}There are: {', '.join(known)}"
        raise ConfigError(f"there is no {what} {name!r}; {there}")
    if len(offers) > 1:
        raise ConfigError(
            f"two {what}s are called {name!r}: {' and '.join(offers)}; uninstall the package of "
            "one of them"
        )
    return next(iter(points.values()), None)


def loaded(point: EntryPoint) -> Any:
    """Import what an entry point names; `ConfigError` when that fails."""
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{point.name} ({point.value}) cannot be loaded: {error}") from error


def _installed(group: str) -> tuple[EntryPoint, ...]:
    return _on_path(group, tuple(sys.path))


@lru_cache(maxsize=8)
def _on_path(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What packages on the path offer: looking takes 4 ms, and sensors read channels often."""
    return tuple(entry_points(group=group))
