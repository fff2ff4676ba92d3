"""What there is to keep of a solved program, so that the next run takes edits into it (:mod:`.editing`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sessionlint.program import memo as memory
from sessionlint.program.demand import Joined
from sessionlint.program.editing import Editing
from sessionlint.program.memo import Trace
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo, Summary
from sessionlint.program.ties import Ties, ties_of

#: What an edit asks of the evaluations before it.
_SHARES = memory.ACTS | {memory.WRITE}

Entry = tuple[Any, ...]


class FileState(NamedTuple):
    """A module, and what is known of its functions and classes."""

    path: str
    name: str
    is_package: bool
    mentions: dict[bytes, bool]
    imports: list[Any]
    statements: tuple[Any, ...]
    body: Entry
    functions: list[Entry]
    #: those that stand nowhere in it: constructors that data classes are given
    others: list[Entry]
    classes: list[Entry]


class Common(NamedTuple):
    """What belongs to no file in particular."""

    cells: dict[Any, Any]
    readers: dict[Any, Any]
    leads_to: dict[Any, Any]
    askers: dict[Any, Any]
    answers: dict[Any, Any]
    shapes: int
    epoch: int
    statistics: Any
    routers: dict[Any, Any]
    includes: list[Any]
    include_options: dict[Any, Any]
    imports: dict[Any, Any]
    makers: frozenset[FunctionInfo]
    searched: frozenset[str]
    joined: tuple[frozenset[str], frozenset[str]]
    functions: list[FunctionInfo]
    classes: list[ClassInfo]
    ties: tuple[Any, ...]


def common_of(solver: Editing) -> Common:
    """What all files of a solved program share."""
    ties = solver._ties or ties_of(solver.memo.functions, solver._cells, solver.mro)
    return Common(
        solver._cells, solver._readers, solver._leads_to, solver._askers, solver._answers, solver.shapes, solver.epoch,
        solver.statistics, solver.routers, solver.includes, solver.include_options, solver._lazy, solver.makers,
        solver.searched, (solver.joined.opening, solver.joined.waiting), solver.functions, solver.classes, tuple(ties),
    )  # fmt: skip


def put_common(solver: Editing, common: Common) -> None:
    """Gives it back to a solver that has met nothing."""
    solver._cells, solver._readers, solver._leads_to = common.cells, common.readers, common.leads_to
    solver._askers, solver._answers = common.askers, common.answers
    solver.shapes, solver.epoch = common.shapes, common.epoch
    solver.statistics, solver.routers = common.statistics, common.routers
    solver.includes, solver.include_options = common.includes, common.include_options
    solver._lazy, solver.makers, solver.searched = common.imports, common.makers, common.searched
    solver.joined = Joined(*common.joined)
    solver.functions, solver.classes = common.functions, common.classes
    solver._ties = Ties(*common.ties)


def file_state(module: ModuleInfo, functions: Iterable[FunctionInfo]) -> FileState:
    """What there is of one file; ``functions`` are all of it."""
    own = {module.body, *module.functions}
    others = [f for f in functions if f not in own]
    return FileState(
        module.path, module.name, module.is_package, module._mentions, module.imports, module.body.facts[4],
        _function(module.body), [_function(f) for f in module.functions], [_function(f) for f in others],
        [_class(c) for c in module.classes],
    )  # fmt: skip


def put_file(solver: Editing, state: FileState, blob: bytes) -> None:
    """Makes the module of a file, with facts in ``blob``, and fills its functions and classes."""
    module = ModuleInfo(state.path, state.name, state.is_package, blob, (state.statements, ()))
    module._mentions, module.imports = state.mentions, state.imports
    facts = module.body.facts
    module.body = state.body[0]
    _fill_function(module, state.body, facts)
    for entry in state.functions:
        _fill_function(module, entry, entry[1])
        module.functions.append(entry[0])
    for entry in state.others:
        _fill_function(module, entry, entry[1])
    for entry in state.classes:
        _fill_class(module, entry)
        module.classes.append(entry[0])
    solver.modules[state.path] = module
    solver.memo.adopt([module.body, *module.functions, *(entry[0] for entry in state.others)], module.classes)


def _function(function: FunctionInfo) -> Entry:
    return (
        function, None if function.name == "<module>" else function.facts, function.qualname, function.parent,
        function.class_info, function.children, function.classes, function.events, function.summary,
        function.evaluated, function.visits, function.is_context_manager, function.is_property,
        function.is_staticmethod, function.is_classmethod, function.decorator_values, function.routes,
        function.registrations, function.param_values, function.dependencies, function.eager, function.signed,
        function.wrappers, function.abstract, function.overwritten, function.last_signature,
    )  # fmt: skip


def _fill_function(module: ModuleInfo, entry: Entry, facts: tuple[Any, ...]) -> None:
    function: FunctionInfo = entry[0]
    function.fill(module, facts, entry[2], entry[3], entry[4])
    (
        function.children, function.classes, function.events, function.summary,
        function.evaluated, function.visits, function.is_context_manager, function.is_property,
        function.is_staticmethod, function.is_classmethod, function.decorator_values, function.routes,
        function.registrations, function.param_values, function.dependencies, function.eager, function.signed,
        function.wrappers, function.abstract, function.overwritten, function.last_signature,
    ) = entry[5:]  # fmt: skip


def _class(info: ClassInfo) -> Entry:
    return (
        info, info.facts, info.qualname, info.defined_in, info.bases, info.decorators, info.maker, info.methods,
        info.setters, info.attributes, info.last_shape,
    )  # fmt: skip


def _fill_class(module: ModuleInfo, entry: Entry) -> None:
    info: ClassInfo = entry[0]
    info.fill(module, entry[1], entry[2], entry[3])
    info.bases, info.decorators, info.maker, info.methods, info.setters, info.attributes, info.last_shape = entry[4:]


def shares_of(functions: Iterable[FunctionInfo]) -> list[tuple[FunctionInfo, list[list[memory.Operation]]]]:
    """What the evaluations of functions put into the program, of each the last one last."""
    found = []
    for function in functions:
        traces = [[op for op in trace.operations if op[0] in _SHARES] for trace in function.traces]
        if traces:
            found.append((function, traces))
    return found


def put_shares(shares: Iterable[tuple[FunctionInfo, list[list[memory.Operation]]]]) -> None:
    """Gives them back to functions that have not been evaluated since."""
    for function, traces in shares:
        if not function.traces:
            function.traces = [Trace([memory.NEVER, *operations], [], _NOTHING, False) for operations in traces]


_NOTHING = Summary()
