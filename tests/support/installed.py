"""Runs the command line as if the distribution and one of its extras were all that is installed.

``python installed.py EXTRA COMMAND…``, with ``""`` for no extra: what neither sessionlint nor the extra requires
(or what they require) cannot be imported.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_OURSELVES = "sessionlint"
_PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def _brought_by(extra: str) -> frozenset[str]:
    """The distributions that an installation with ``extra`` brings, by what ``pyproject.toml`` says today."""
    wanted = [Requirement(f"{_OURSELVES}[{extra}]")]
    brought: dict[tuple[str, frozenset[str]], None] = {}
    while wanted:
        requirement = wanted.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in brought:
            continue
        brought[name, extras] = None
        if name == _OURSELVES:
            # What is installed in this environment may be older than what the file says.
            wanted += _stated(extras)
        else:
            needed = map(Requirement, importlib.metadata.requires(name) or [])
            wanted += [each for each in needed if _applies(each, extras)]
    return frozenset(name for name, _ in brought)


def _stated(extras: frozenset[str]) -> list[Requirement]:
    project = tomllib.loads(_PYPROJECT.read_text())["project"]
    more = [one for extra in extras for one in project["optional-dependencies"][extra]]
    return list(map(Requirement, [*project["dependencies"], *more]))


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


class Absent:
    """Finds no module of a distribution that would not be installed."""

    def __init__(self, extra: str) -> None:
        present = _brought_by(extra)
        self.names = frozenset(
            module
            for module, owners in importlib.metadata.packages_distributions().items()
            if present.isdisjoint(map(canonicalize_name, owners))
            and module not in ("sessionlint", "sessionlint_reports")
        )

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if path is None and name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    extra, *command = sys.argv[1:]
    absent = Absent(extra)
    for name in [name for name in sys.modules if name.partition(".")[0] in absent.names]:
        del sys.modules[name]
    sys.meta_path.insert(0, absent)
    sys.argv = ["sessionlint", *command]
    from sessionlint.cli import process

    process()


if __name__ == "__main__":
    main()
