"""Packages of others, laid into a folder as pip does."""

from pathlib import Path


def install(folder: Path, group: str, points: str, name: str, code: str = "") -> None:
    """Lay a distribution of one module into a folder, with entry points of a group."""
    package = folder / f"{name}-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[{group}]\n{points}\n")
    (folder / f"{name}.py").write_text(code)
