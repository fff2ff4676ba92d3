"""The next solution out of the last one: one file is taken anew when other files see no difference.

Most edits change what happens inside a function, not what the rest of the program knows of it. So only the
functions of the edited file are evaluated, in the solved program as it stands; then all that code elsewhere has
read is compared: cells, summaries, signatures, classes, routers. Where anything of it differs, the program has to be
solved (from its memo), and this solution is spoiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sessionlint.program import demand
from sessionlint.program import memo as memory
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo
from sessionlint.program.solver import Solver
from sessionlint.program.values import Value
from sessionlint.program.worklist import MAX_VISITS

#: What an evaluation does to functions, of other files as well.
_ACTS = frozenset({memory.WANT, memory.ROUTE, memory.MIDDLEWARE})
_RESERVED = frozenset({memory.ROUTE, memory.MIDDLEWARE})


class _Ties(NamedTuple):
    """Which files write a cell, and what of functions and classes other files have read or changed.

    ``held`` are the cells of a file's names and attributes.
    """

    writers: dict[Any, set[str]]
    wanted: set[FunctionInfo]
    signed: set[FunctionInfo]
    shaped: set[ClassInfo]
    changed: set[FunctionInfo]
    held: dict[str, set[Any]]


class _Part(NamedTuple):
    """What a file contributes to the program."""

    functions: tuple[FunctionInfo, ...]
    classes: tuple[ClassInfo, ...]
    #: cells its evaluations wrote, and the atoms the last ones put into them
    written: frozenset[Any]
    given: dict[Any, frozenset[Any]]
    acts: frozenset[Any]
    names: frozenset[str]
    imports: dict[Any, Any]
    routers: dict[Any, Any]
    includes: tuple[Any, ...]
    options: dict[Any, Any]


class Editing(Solver):
    """A solver that can take edits of single files once its program is solved."""

    _ties: _Ties | None = None
    #: the file that was edited last, and what it contributes since
    _latest: tuple[str, _Part] | None = None

    def take(self, path: str, load: Callable[[str], ModuleInfo | None]) -> bool:
        """Evaluates the file anew, loaded by ``load``; ``False``: other files would see a difference, solve again."""
        module = self.modules.get(path)
        if module is None:
            return True  # a test or migration that nothing imports
        ties = self._ties = self._ties or self._tied()
        if self._latest is not None and self._latest[0] == path:
            before = self._latest[1]
        else:
            before = self._part(path, [module.body, *module.functions], module.classes)
        if not ties.changed.isdisjoint(before.functions):
            return False
        evaluated = {f for f in before.functions if f.evaluated}
        summaries = {f: f.summary.key for f in before.functions}
        signatures = {f: f.signature for f in before.functions}
        shapes = {c: c.shape for c in before.classes}
        around = _transactions_around(before.functions)
        number = len(self.modules)
        own = self._withdraw(path, before)
        self._load = load
        self.memo.reopen(path)
        self.edited, self.spread = path, False
        try:
            met = self._evaluate_file(path, evaluated)
        finally:
            self.edited = ""
        self.memo.close(path)
        module = self.modules[path]
        after = self._part(path, [module.body, *module.functions], module.classes)
        return (
            met
            and not self.spread
            and len(self.modules) == number
            and after[4:] == before[4:]
            and _transactions_around(after.functions) == around
            and self._same_cells(path, before, after, own)
            and self._same_functions(path, after, summaries, signatures)
            and all(c in after.classes and c.shape == shape for c, shape in shapes.items() if c in ties.shaped)
            and self._told(path, before, after)
        )

    # before

    def _tied(self) -> _Ties:
        ties = _Ties({}, set(), set(), set(), set(), {})
        for key in self._cells:
            _hold(ties, key)
        for function in self.memo.functions:
            path = function.module.path
            for trace in function.traces:
                for operation, key, _ in trace.operations:
                    if operation == memory.WRITE:
                        ties.writers.setdefault(key, set()).add(path)
                    elif operation == memory.SIGNATURE:
                        if key.module.path != path:
                            ties.signed.add(key)
                    elif operation == memory.SHAPE:
                        ties.shaped.update([c for c in self.mro(key) if c.module.path != path])
                    elif operation in _ACTS:
                        target = key[0] if operation == memory.ROUTE else key
                        if target.module.path != path:
                            (ties.changed if operation in _RESERVED else ties.wanted).add(target)
        return ties

    def _part(self, path: str, functions: Iterable[FunctionInfo], classes: Iterable[ClassInfo]) -> _Part:
        functions = tuple(functions)
        written: set[Any] = set()
        given: dict[Any, set[Any]] = {}
        acts: set[Any] = set()
        for function in functions:
            for trace in function.traces:
                last = trace is function.traces[-1]
                for operation, key, value in trace.operations:
                    if operation == memory.WRITE:
                        written.add(key)
                        if last:
                            given.setdefault(key, set()).update(value)
                    elif last and operation in _ACTS:
                        target = key[0] if operation == memory.ROUTE else key
                        if target.module.path != path:
                            acts.add((operation, key))
        return _Part(
            functions,
            tuple(classes),
            frozenset(written),
            {key: frozenset(atoms) for key, atoms in given.items()},
            frozenset(acts),
            self._names(path, functions, written),
            {key: entries for key, entries in self._lazy.items() if key[0] == path},
            {site: entry for site, entry in self.routers.items() if site[0] == path},
            tuple(entry for entry in self.includes if entry[3][0] == path),
            {site: entry for site, entry in self.include_options.items() if site[0] == path},
        )

    def _names(self, path: str, functions: tuple[FunctionInfo, ...], written: set[Any]) -> frozenset[str]:
        """The names that matter because of this file."""
        assert self._ties is not None
        own = frozenset(functions)
        makers = (self.makers - own) | demand.makers(functions, self.kind_of)
        held = self._ties.held.get(path, set()).union(key for key in written if _owner(key) == path)
        cells = {key: self._cells[key] for key in held if key in self._cells}
        inside = frozenset(makers & own)
        return demand.names_that_matter(cells, {}, makers) - demand.names_that_matter({}, {}, makers - inside)

    def _withdraw(self, path: str, part: _Part) -> dict[Any, Value]:
        """Takes out what only this file has put into the program; the cells it filled alone."""
        assert self._ties is not None
        own: dict[Any, Value] = {}
        for key in part.written:
            if self._ties.writers.get(key) == {path} and key in self._cells:
                own[key] = self._cells.pop(key)
        for function in part.functions:
            function.visits = MAX_VISITS  # one that is not met again stays out of the queue
        self.functions = [f for f in self.functions if f.module.path != path]
        self.classes = [c for c in self.classes if c.module.path != path]
        for key in part.imports:
            del self._lazy[key]
        for site in part.routers:
            del self.routers[site]
        for site in part.options:
            del self.include_options[site]
        self.includes = [entry for entry in self.includes if entry[3][0] != path]
        self._members.clear()
        self._mro.clear()
        self._kinds.clear()
        self._declared.clear()
        self._known.clear()
        del self.modules[path]
        return own

    # the evaluation

    def _evaluate_file(self, path: str, evaluated: set[FunctionInfo]) -> bool:
        """Evaluates what a solution would evaluate of the file; whether all that others call is still there."""
        module = self.module(path)
        if module is None:
            return False
        self.drain()
        asked = {f for f in evaluated if self._asked_elsewhere(path, f)}
        met = {module.body, *module.functions}
        for function in asked & met:
            if not function.evaluated:
                self.want(function)
        while True:
            self.drain()
            if self._reveal():
                continue
            mentioning = demand.mentioning(module.functions, self.searched)
            for function in mentioning:
                self._search(function)
            if not mentioning:
                self.settle()
                return asked <= met

    def _asked_elsewhere(self, path: str, function: FunctionInfo) -> bool:
        assert self._ties is not None
        readers = self._readers.get(("summary", function), ())
        return function in self._ties.wanted or any(reader.module.path != path for reader in readers)

    # after

    def _same_cells(self, path: str, before: _Part, after: _Part, own: dict[Any, Value]) -> bool:
        """Whether every cell holds for others what it held; cells of their own may differ."""
        assert self._ties is not None
        writers = self._ties.writers
        for key in before.given.keys() | after.given.keys() | own.keys():
            if key in own or key not in writers:
                now, known = self._cells.get(key, ()), own.get(key, ())
                if now == known:
                    continue
                if self._read_elsewhere(path, key):
                    if frozenset(now) != frozenset(known):
                        return False
                    self._cells[key] = known  # others have seen it in this order
                    self._known.clear()
                elif not all(self._stands(f) for f in self._asking_by(key) if f.module.path != path):
                    return False
            elif before.given.get(key) != after.given.get(key):
                return False
        return True

    def _read_elsewhere(self, path: str, key: Any) -> bool:
        return any(reader.module.path != path for reader in self._readers.get(key, ()))

    def _same_functions(
        self, path: str, after: _Part, summaries: dict[FunctionInfo, Any], signatures: dict[FunctionInfo, Any]
    ) -> bool:
        assert self._ties is not None
        present = frozenset(after.functions)
        for function, summary in summaries.items():
            if self._read_elsewhere(path, ("summary", function)) and (
                function not in present or function.summary.key != summary
            ):
                return False
            if function in self._ties.signed and (
                function not in present or function.signature != signatures[function]
            ):
                return False
        return True

    def _told(self, path: str, before: _Part, after: _Part) -> bool:
        """Notes who writes what now; the edit is taken."""
        assert self._ties is not None
        writers = self._ties.writers
        for key in before.written - after.written:
            left = writers.get(key)
            if left is not None:
                left.discard(path)
                if not left:
                    del writers[key]
        for key in after.written:
            writers.setdefault(key, set()).add(path)
            _hold(self._ties, key)
        self._latest = (path, after)
        self.makers = (self.makers - frozenset(before.functions)) | demand.makers(after.functions, self.kind_of)
        return True


def _owner(key: Any) -> str | None:
    """The file whose name, attribute or context variable a cell is."""
    if key[0] == "name":
        return str(key[1])
    if key[0] == "context":
        return str(key[1][0])
    return str(key[1].module.path) if key[0] == "attr" else None


def _hold(ties: _Ties, key: Any) -> None:
    owner = _owner(key)
    if owner is not None:
        ties.held.setdefault(owner, set()).add(key)


def _transactions_around(functions: tuple[FunctionInfo, ...]) -> frozenset[Any]:
    """Which decorated functions a file calls, itself or by its helpers, and whether in a transaction it opens.

    A decorator's inner function does; what goes wrong in its transaction is told where the decorated function stands.
    """
    calls = [e for f in functions for e in f.events if e.kind == "call" and e.callee is not None]
    decorated = [e for e in calls if e.callee is not None and e.callee.wrappers]
    helpers = {e.function for e in decorated}
    carried = [*decorated, *(e for e in calls if e.callee in helpers)]
    return frozenset((e.function, e.callee, tuple(not t.savepoint for t in e.transactions)) for e in carried)
