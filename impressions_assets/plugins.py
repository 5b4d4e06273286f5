"""What other packages offer by entry point, beside what is ours: found by name, loaded when used.

Does not belong here: transforms, whose own are entry points too (`transforms.py`).
"""

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from impressions_assets.errors import ConfigError
from impressions_assets.wording import meant


def offered(group: str, ours: Collection[str]) -> list[str]:
    """Return all names: ours, and those of other packages."""
    return list(dict.fromkeys([*ours, *(point.name for point in entry_points(group=group))]))


def plugin(group: str, name: str, ours: Collection[str], what: str) -> EntryPoint | None:
    """Return the one that has a name; None when it is ours.

    Raises:
        ConfigError: there is no such `what`, or several packages offer one.
    """
    points = {point.value: point for point in entry_points(group=group, name=name)}
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
