"""What files run when they are imported, and with that which folders' programs a file is part of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sessionlint.facts.packing import unpack
from sessionlint.program.reached import all_from
from sessionlint.program.values import Value

if TYPE_CHECKING:
    from sessionlint.policy import Policy
    from sessionlint.program.api import Program
    from sessionlint.program.solver import Solver

#: Packages that hand a name on, one after the other.
_HOPS: Final = 4


def application_folders(solver: Solver, policy: Policy) -> tuple[str, ...]:
    """The folders (with ``/`` at the end, or ``""``) in which applications are made, deepest first; no tests."""
    made = {p[0].rpartition("/")[0] for p, e in solver.routers.items() if e.get("name") != "fastapi.APIRouter"}
    kept = {folder for folder in made if policy.layer_of(f"{folder}/main.py") != "test"}
    return tuple(sorted((f"{folder}/" if folder else "" for folder in kept), key=lambda f: (-f.count("/"), f)))


def run_by(program: Program, path: str) -> Iterator[str]:
    """The files that ``path`` imports: modules, the packages around them, submodules that are named as members."""
    names = program.solver.names
    for module, level, members in _imports(program, path):
        dotted = names.absolute(path, module, level)
        parts = dotted.split(".")
        wanted = [".".join(parts[: at + 1]) for at in range(len(parts))]
        wanted += [f"{dotted}.{member}" for member in members]
        for name in wanted:
            found = names.path_of(name, path)
            if found is not None and found != path:
                yield found


def meant_by(program: Program, path: str, name: str, depth: int = 0) -> Value:
    """What a name at the top of a file stands for, imports of that name followed."""
    module = program.solver.modules.get(path)
    value: Value = program.solver.peek(("name", path, name))
    if value or module is None or depth > _HOPS:
        return value
    names = program.solver.names
    for dotted, member, *_ in module.imports:
        source = names.path_of(dotted, path) if member == name else None
        if source is not None and source != path:
            return meant_by(program, source, name, depth + 1)
    return value


def reached_from_files(program: Program, starts: Iterable[str]) -> frozenset[str]:
    """The files that run once ``starts`` do, those themselves included."""
    found = set(starts)
    pending = list(found)
    while pending:
        for path in run_by(program, pending.pop()):
            if path not in found:
                found.add(path)
                pending.append(path)
    return frozenset(found)


def below(program: Program, folder: str) -> frozenset[str]:
    """The files in a folder (which ends in ``/``, or is ``""``) and all that they import; no tests, no migrations."""
    layer_of = program.policy.layer_of
    held = (p for p in program.solver.names.primary if p.startswith(folder))
    return reached_from_files(program, [p for p in held if layer_of(p) not in ("test", "migration")])


def programs(program: Program) -> Mapping[str, frozenset[str]]:
    """For every file that imports join to others, all of those files; those of tests and migrations join nothing."""
    layer_of = program.policy.layer_of
    beside: dict[str, set[str]] = {}
    for path in program.solver.names.primary:
        if layer_of(path) not in ("test", "migration"):
            for other in run_by(program, path):
                beside.setdefault(path, set()).add(other)
                beside.setdefault(other, set()).add(path)
    found: dict[str, frozenset[str]] = {}
    for path in beside:
        if path not in found:
            joined = frozenset(all_from(path, beside))
            found.update((other, joined) for other in joined)
    return found


def _imports(program: Program, path: str) -> Iterable[tuple[str, int, Sequence[str]]]:
    """The import statements of a file, read or only known by its facts."""
    module = program.solver.modules.get(path)
    if module is None:
        return program.solver.imports_of(path)
    found: Iterable[tuple[str, int, Sequence[str]]] = unpack(module.blob)[1]
    return found
