"""Code that no request runs and nothing starts in the background: commands, what runs at import, at the start, a hook.

It has nobody to take a session from, so it opens its own, in whatever folder it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.reached import beside, calling, reached_from
from sessionlint.program.router_classes import ON_EVENTS
from sessionlint.program.values import SESSION, Param

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: Decorators of click, typer and their like, whatever the program calls the object they belong to.
_COMMAND: Final = regex(r"(?:^|\.)(?:command|group|callback)(?:\(|\Z)")
#: What is called with a function that is a command from then on.
_MAKES_COMMAND: Final = regex(r".*\.(?:command|group|callback)\(\)|typer\.run|fire\.Fire")
_COMMANDS: Final = frozenset({"invoke.task", "invoke.tasks.task", "fabric.task"})
#: What no event loop may be running for: a function that calls this, and that nobody calls, starts the work.
_RUNS: Final = ("asyncio.run", "anyio.run", "trio.run", "uvloop.run", "asyncio.Runner().run")
#: What enters a context manager that asks for it.
_APPLICATIONS: Final = ("fastapi.FastAPI", "starlette.applications.Starlette")
#: Bases that say nothing of who calls the methods of a class.
_PLAIN_BASES: Final = regex(r"(?:abc|builtins|collections|dataclasses|enum|pydantic|sqlalchemy|sqlmodel|typing)\b")


def entries(program: Program) -> frozenset[FunctionInfo]:
    """Such functions, and what they alone call in their own files."""
    callers, _ = program.shared(calling)
    starts = program.shared(starters)
    commands = frozenset((*_commands(program), *_called_back(program)))
    # what runs once, while nothing else does: called by the body of a module, or by what starts the application
    once = {f for f, found in callers.items() if all(c.name == "<module>" or c in starts for c in found)}
    once = {f for f in once if not any(atom.tag == "fn" for atom in f.summary.returns)}  # a decorator
    alone = {f for f in commands if all(c.name == "<module>" for c in callers.get(f, ()))}
    started = frozenset(f for f in (*starts, *once, *alone) if f.name != "<module>" and not _is_served(program, f))
    return started | {f for f in reached_from(program, started, beside(program)) if not _is_served(program, f)}


def _is_served(program: Program, function: FunctionInfo) -> bool:
    """Whether requests or background work run a function, or wait for what it hands out."""
    return bool(function.routes) or function in program.dependency_functions or function in program.background_functions


def starters(program: Program) -> frozenset[FunctionInfo]:
    """Lifespans, and functions that run when the application or a worker's process starts or stops."""
    connected = (e for e in program.events("external") if knowledge.connects_to_worker(e.name))
    given = (*(v for e in connected for v in e.args[:1]), *(e.value for e in program.events("starts")))
    receivers = (a.info for value in given for a in value if a.tag == "fn")
    registered = (f for f in program.functions if "on_event" in f.registrations)
    return frozenset((*registered, *receivers, *lifespans(program), *_listed(program), *_given_application(program)))


def starts_or_stops(program: Program, function: FunctionInfo) -> bool:
    """Whether a function, or the one that it is written in, is run by the start or the end of a process."""
    current: FunctionInfo | None = function
    while current is not None and current not in program.shared(starters):
        current = current.parent
    return current is not None


def _given_application(program: Program) -> Iterator[FunctionInfo]:
    """Context managers that ask for the application alone: it is what enters them, with whatever they are joined."""
    for function in program.functions:
        if function.is_context_manager and len(function.params) == 1 and function.class_info is None:
            declared = function.param_values.get(function.params[0][0], ((), ()))[0]
            if any(a.tag == "ext" and a.name.removesuffix("()") in _APPLICATIONS for a in declared):
                yield function


def lifespans(program: Program) -> Iterator[FunctionInfo]:
    """The functions that applications and routers are told to enter when they start."""
    for entry in program.solver.routers.values():
        yield from (atom.info for atom in entry.get("lifespan", ()) if atom.tag == "fn")


def _listed(program: Program) -> Iterator[FunctionInfo]:
    """The functions of ``FastAPI(on_startup=[connect])``."""
    for entry in program.solver.routers.values():
        for option in ON_EVENTS:
            listed = (v for a in entry.get(option, ()) if a.tag == "seq" for v in a.items)
            yield from (atom.info for value in listed for atom in value if atom.tag == "fn")


def _commands(program: Program) -> Iterator[FunctionInfo]:
    return program.by_file(_commands_in)


def _commands_in(listing: FileListing) -> Iterator[FunctionInfo]:
    yield from (f for f in listing.functions if f.decorators and _is_command(f))
    for event in listing.by_kind.get("external", ()):
        if event.name in _RUNS or event.name.endswith(".run_until_complete"):
            function = event.function
            if not function.is_async and function.parent is None and function.class_info is None:
                yield function
        if _MAKES_COMMAND.fullmatch(event.name):
            yield from (atom.info for value in event.args for atom in value if atom.tag == "fn")


def _is_command(function: FunctionInfo) -> bool:
    if any(_COMMAND.search(ir.text_of(d)) for d in function.decorators):
        return True
    names = {a.name.removesuffix("()") for _, value in function.decorator_values for a in value if a.tag == "ext"}
    return not names.isdisjoint(_COMMANDS)


def _called_back(program: Program) -> Iterator[FunctionInfo]:
    """Methods of a library's kind of object that is handed to the library, which calls them: a collector of metrics."""
    callers, _ = program.shared(calling)
    found: dict[ClassInfo, list[FunctionInfo]] = {}
    for info in program.classes:
        methods = [f for f in info.methods.values() if f.evaluated and f not in callers and not f.name.startswith("_")]
        if methods and any(not _PLAIN_BASES.match(base) for base in program.solver.external_bases(info)):
            found[info] = methods
    for event in program.events("external") if found else ():
        for value in (*event.args, *(v for _, v in event.keywords)):
            yield from (f for atom in value if atom.tag == "inst" for f in found.get(atom.info, ()))


def takes_session(program: Program, function: FunctionInfo) -> bool:
    """Whether a session is a plain argument (what FastAPI injects is none)."""
    return any(
        program.kind(Param(function, name)) == SESSION
        for name, *_ in function.params
        if name not in function.dependencies
    )
