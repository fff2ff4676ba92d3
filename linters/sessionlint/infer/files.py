"""What a file is seen to be: a script, an application, a program; and which others import it."""

from __future__ import annotations

from sessionlint.program.api import Program
from sessionlint.program.importing import run_by
from sessionlint.program.model import ModuleInfo

_MAIN = "__main__"


def imports(module: ModuleInfo, package: str) -> bool:
    """Whether the file imports ``package`` or something below it."""
    below = f"{package}."
    return any(entry[0] == package or entry[0].startswith(below) for entry in module.imports)


def runs_as_script(module: ModuleInfo) -> bool:
    """Whether the file ends in ``if __name__ == "__main__"``."""
    return any(
        s[0] == "I" and s[2][0] == "x" and any(side[0] == "k" and side[2] == _MAIN for side in (s[2][2], *s[2][4]))
        for s in module.body.facts[4]
    )


def makes_application(module: ModuleInfo) -> bool:
    """Whether it imports what applications are made with."""
    return imports(module, "fastapi") or imports(module, "starlette") or imports(module, "flask")


def importers_of(program: Program) -> dict[str, set[str]]:
    """The other files that import each file."""
    names = program.solver.names
    found: dict[str, set[str]] = {}
    for module in program.modules:
        for dotted, member, *_ in module.imports:
            deeper = names.path_of(f"{dotted}.{member}", module.path) if member else None
            path = deeper or names.path_of(dotted, module.path)
            if path is not None and path != module.path:
                found.setdefault(path, set()).add(module.path)
    return found


def is_program(module: ModuleInfo) -> bool:
    """Whether it makes an application, has endpoints or runs as a script."""
    functions = (module.body, *module.functions)
    return makes_application(module) or runs_as_script(module) or any(f.routes for f in functions)


def running(program: Program) -> dict[str, set[str]]:
    """The files, tests left out, that run each file by importing it or a module of its package."""
    found: dict[str, set[str]] = {}
    for path in program.solver.names.primary:
        if program.policy.layer_of(path) != "test":
            for imported in run_by(program, path):
                found.setdefault(imported, set()).add(path)
    return found
