"""What files run when they are imported, and with that which folders' programs a file is part of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sessionlint.facts.packing import unpack
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


def importing(program: Program, paths: Iterable[str]) -> frozenset[str]:
    """These files, those that import them, and those that import these; tests and migrations left out."""
    importers = program.shared(_importers)
    found = set(paths)
    pending = list(found)
    while pending:
        more = importers.get(pending.pop(), frozenset()) - found
        found |= more
        pending.extend(more)
    return frozenset(found)


def are_apart(program: Program, mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether the files that run something are others than those that run something else, and packages apart."""
    if not mine.isdisjoint(theirs):
        return False
    if {_package_of(program, path) for path in mine}.isdisjoint(_package_of(program, path) for path in theirs):
        return True
    mine_at, theirs_at = _folder_of(mine), _folder_of(theirs)
    return not (mine_at.startswith(theirs_at) or theirs_at.startswith(mine_at))


def _folder_of(paths: frozenset[str]) -> str:
    """The folder that holds all paths, with ``/`` at the end."""
    shared: list[str] = []
    for parts in zip(*(path.split("/")[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "".join(f"{part}/" for part in shared)


def _package_of(program: Program, path: str) -> str:
    """The folder of the outermost package that holds a file; without one, what its dotted name begins with."""
    names = program.solver.names.primary
    package, folder = "", path.rpartition("/")[0]
    while folder and f"{folder}/__init__.py" in names:
        package, folder = folder, folder.rpartition("/")[0]
    return package or names[path].partition(".")[0]


def _importers(program: Program) -> Mapping[str, frozenset[str]]:
    layer_of = program.policy.layer_of
    found: dict[str, set[str]] = {}
    for path in program.solver.names.primary:
        if layer_of(path) not in ("test", "migration"):
            for other in run_by(program, path):
                found.setdefault(other, set()).add(path)
    return {path: frozenset(importers) for path, importers in found.items()}


def _imports(program: Program, path: str) -> Iterable[tuple[str, int, Sequence[str]]]:
    """The import statements of a file, read or only known by its facts."""
    module = program.solver.modules.get(path)
    if module is None:
        return program.solver.imports_of(path)
    found: Iterable[tuple[str, int, Sequence[str]]] = unpack(module.blob)[1]
    return found
