"""What it costs Dagster to load the code location, in a process of its own."""

import subprocess
import sys

_PROGRAM = """
import sys, time
began = time.perf_counter()
import impressions_assets.definitions
print(time.perf_counter() - began, "torch" in sys.modules)
"""


def import_definitions() -> tuple[float, bool]:
    """Return the seconds that the import takes, and whether it brought torch."""
    printed = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True
    ).stdout
    seconds, has_torch = printed.split()
    return float(seconds), has_torch == "True"
