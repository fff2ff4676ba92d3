"""The next solution out of the last one: what was edited is taken anew when others see no difference.

Most edits change what happens inside a function, not what the rest of the program knows of it. So only the
functions that were edited are evaluated (where more of a file differs than what functions do: all of its functions), in
the solved program as it stands; then all that code elsewhere has read is compared: cells, summaries, signatures,
classes, routers. Where anything of it differs, the program has to be solved (from its memo), and this solution is
spoiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import bodies, decorated, demand, operators, promising, substitution
from sessionlint.program import memo as memory
from sessionlint.program.cells import MANY
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo
from sessionlint.program.solver import Solver
from sessionlint.program.ties import Ties, owner_of, target_of, ties_of
from sessionlint.program.values import MAX_ARGUMENTS, MAX_ATOMS, Value
from sessionlint.program.worklist import MAX_VISITS


class _Part(NamedTuple):
    """What some functions contribute to the program."""

    functions: tuple[FunctionInfo, ...]
    classes: tuple[ClassInfo, ...]
    #: cells their evaluations wrote, by whom; the atoms they put into them, and those that the last evaluations did
    written: dict[Any, set[FunctionInfo]]
    given: dict[Any, set[Any]]
    lastly: dict[Any, set[Any]]
    acts: frozenset[Any]
    names: frozenset[str]
    imports: dict[Any, Any]
    routers: dict[Any, Any]
    includes: tuple[Any, ...]
    options: dict[Any, Any]

    @property
    def seen(self) -> tuple[Any, ...]:
        """What others see of it at once."""
        return (self.acts, self.names, self.imports, self.routers, self.includes, self.options)


class Editing(Solver):
    """A solver that can take edits of single files once its program is solved."""

    _ties: Ties | None = None
    #: has what earlier evaluations of a file's functions did given back to them, where that lies elsewhere
    recall: Callable[[str], None] | None = None
    #: the functions that were evaluated for edits
    _anew: frozenset[FunctionInfo] = frozenset()

    def take(self, path: str, blob: bytes, load: Callable[[str], ModuleInfo | None]) -> bool:
        """Evaluates what differs in a file of these facts; ``False``: others would see a difference, solve again.

        ``load`` makes the module of a file that is taken as a whole.
        """
        module = self.modules.get(path)
        if module is None:
            return True  # a test or migration that nothing imports
        self._ties = self._ties or ties_of(self.memo.functions, self._cells, self.mro)
        if self.recall is not None:
            self.recall(path)
        edit = bodies.edit_of(module, blob) if blob else None
        self.edited, self.within = path, None
        self.kept = frozenset(edit.kept or ()) if edit is not None else frozenset()
        if edit is not None and edit.kept is None:
            self.within = frozenset(edit.bodies)
        try:
            return self._taken(module, blob, edit, load)
        finally:
            self.edited, self.within, self.kept = "", None, frozenset()

    def _taken(
        self, module: ModuleInfo, blob: bytes, edit: bodies.Edit | None, load: Callable[[str], ModuleInfo | None]
    ) -> bool:
        assert self._ties is not None
        path, ties = module.path, self._ties
        functions = [f for f in (module.body, *module.functions) if not self.is_elsewhere(f)]
        if self.within is None:
            classes = [c for c in module.classes if not self.is_elsewhere(c.defined_in)]
        else:
            classes = list({f.class_info: None for f in self.within if f.class_info is not None})
        before = self._part(path, functions, classes)
        made_anew = [f for f in functions if self.within is None or f not in self.within]
        if any(self.is_elsewhere(g) for f in made_anew for g in ties.changed.get(f, ())):
            return False
        seen = _Seen(
            {f for f in functions if f.evaluated}, {f: f.summary.key for f in functions},
            {f: f.signature for f in functions}, {f: self._outline(f) for f in functions},
            {c: c.shape for c in before.classes}, _transactions_around(before.functions), len(self.modules),
        )  # fmt: skip
        own = self._withdraw(before)
        self.spread = False
        if edit is None:
            met = self._evaluate_file(path, load, seen.evaluated)
        elif edit.kept is not None:
            met = self._evaluate_rest(module, blob, edit.kept, before, seen.evaluated)
        else:
            met = self._evaluate_bodies(module, blob, edit.bodies, before, seen.evaluated)
        return met and self._is_same(path, before, own, seen)

    def taken_anew(self) -> frozenset[FunctionInfo]:
        """The functions that were evaluated for the edits since this was asked last."""
        found, self._anew = self._anew, frozenset()
        return found

    def users_of(self, function: FunctionInfo) -> tuple[FunctionInfo, ...]:
        """Who calls a function, or wants it called."""
        wanting = self._ties.wanted.get(function, ()) if self._ties is not None else ()
        return (*self._readers.get(("summary", function), ()), *wanting)

    # before

    def _part(self, path: str, functions: Iterable[FunctionInfo], classes: Iterable[ClassInfo]) -> _Part:
        functions = tuple(functions)
        written: dict[Any, set[FunctionInfo]] = {}
        given: dict[Any, set[Any]] = {}
        lastly: dict[Any, set[Any]] = {}
        acts: set[Any] = set()
        for function in functions:
            for trace in function.traces:
                last = trace is function.traces[-1]
                for operation, key, value in trace.operations:
                    if operation == memory.WRITE:
                        written.setdefault(key, set()).add(function)
                        given.setdefault(key, set()).update(value)
                        if last:
                            lastly.setdefault(key, set()).update(value)
                    elif last and operation in memory.ACTS and self.is_elsewhere(target_of(operation, key)):
                        acts.add((operation, key))
        whole = self.within is None
        return _Part(
            functions,
            tuple(classes),
            written,
            given,
            lastly,
            frozenset(acts),
            self._names(path, functions, written),
            {key: entries for key, entries in self._lazy.items() if key[0] == path} if whole else {},
            {site: entry for site, entry in self.routers.items() if self._is_here(site, functions)},
            tuple(entry for entry in self.includes if self._is_here(entry[3], functions)),
            {site: entry for site, entry in self.include_options.items() if self._is_here(site, functions)},
        )

    def _is_here(self, site: Any, functions: tuple[FunctionInfo, ...]) -> bool:
        """Whether a place is in what is taken anew."""
        if site[0] != self.edited:
            return False
        start, end = site[1][:2], site[1][2:]
        around = any(
            f.span[:2] <= start and end <= f.span[2:] for f in (functions if self.within is not None else self.kept)
        )
        return around is (self.within is not None)

    def _names(self, path: str, functions: tuple[FunctionInfo, ...], written: Iterable[Any]) -> frozenset[str]:
        """The names that matter because of these functions."""
        assert self._ties is not None
        own = frozenset(functions)
        makers = (self.makers - own) | demand.makers(functions, self.kind_of)
        held = self._ties.held.get(path, set()).union(key for key in written if owner_of(key) == path)
        cells = {key: self._cells[key] for key in held if key in self._cells}
        inside = frozenset(makers & own)
        tenants = self.policy.tenant_names
        known = demand.names_that_matter({}, {}, makers - inside, tenants)
        joined = demand.joined(functions) | demand.passing_on(functions, self.joined)
        return (demand.names_that_matter(cells, {}, makers, tenants) - known) | joined.told_apart

    def _withdraw(self, part: _Part) -> dict[Any, Value]:
        """Takes out what only these functions have put into the program; the cells they filled alone."""
        assert self._ties is not None
        own: dict[Any, Value] = {}
        for key in part.written:
            if key in self._cells and not any(self.is_elsewhere(f) for f in self._ties.writers.get(key, ())):
                own[key] = self._cells.pop(key)
        for function in part.functions:
            self._cells.pop((promising.OPAQUE, function), None)
            function.visits = MAX_VISITS  # one that is not met again stays out of the queue
        for key in part.imports:
            del self._lazy[key]
        for site in part.routers:
            del self.routers[site]
        for site in part.options:
            del self.include_options[site]
        self.includes = [entry for entry in self.includes if entry not in part.includes]
        taken = frozenset(part.functions)
        self._in_calls = {call: found for call, found in self._in_calls.items() if call[0] not in taken}
        self._members.clear()
        self._mro.clear()
        self._kinds.clear()
        self._declared.clear()
        self._known.clear()
        return own

    # the evaluation

    def _evaluate_file(self, path: str, load: Callable[[str], ModuleInfo | None], evaluated: set[FunctionInfo]) -> bool:
        """Evaluates what a solution would evaluate of the file; whether all that others call is still there."""
        self.functions = [f for f in self.functions if f.module.path != path]
        self.classes = [c for c in self.classes if c.module.path != path]
        del self.modules[path]
        self._load = load
        self.memo.reopen(path)
        module = self.module(path)
        met = module is not None and self._evaluate_all(module, evaluated)
        self.memo.close(path)
        return met

    def _evaluate_rest(
        self,
        module: ModuleInfo,
        blob: bytes,
        kept: dict[FunctionInfo, tuple[Any, ...]],
        before: _Part,
        evaluated: set[FunctionInfo],
    ) -> bool:
        """The same where some functions stay as they are."""
        gone = frozenset(before.functions)
        self.functions = [f for f in self.functions if f not in gone]
        self.classes = [c for c in self.classes if c not in before.classes]
        self.memo.renew(module.path, blob, [f for f in before.functions if f is not module.body], before.classes)
        # what stands around them and what they are declared to take is found out anew
        known = {f: f.signature for f in kept}
        bodies.rerun(module, blob, kept)
        self.module(module.path)
        met = self._evaluate_all(module, evaluated)
        self.memo.close(module.path, kept=True)
        return met and all(f.signature == before for f, before in known.items())

    def _evaluate_bodies(
        self,
        module: ModuleInfo,
        blob: bytes,
        edited: dict[FunctionInfo, tuple[Any, ...]],
        before: _Part,
        evaluated: set[FunctionInfo],
    ) -> bool:
        """The same where only bodies of functions differ."""
        inner = frozenset(f for f in before.functions if f not in edited)
        if inner:
            self.functions = [f for f in self.functions if f not in inner]
            module.functions = [f for f in module.functions if f not in inner]
        module.imports = [entry for entry in module.imports if not bodies.is_within(entry[3], edited)]
        self.memo.renew(module.path, blob, inner)
        bodies.renew(module, blob, edited)
        for function in edited:
            if function in evaluated:
                self.enqueue(function)
        met = self._evaluate_all(module, evaluated)
        self.memo.close(module.path, kept=True)
        return met

    def _evaluate_all(self, module: ModuleInfo, evaluated: set[FunctionInfo]) -> bool:
        self.drain()
        asked = {f for f in evaluated if self._asked_elsewhere(f)}
        met = {module.body, *module.functions}
        for function in asked & met:
            if not function.evaluated:
                self.want(function)
        while True:
            self.drain()
            if self._reveal():
                continue
            here = [f for f in module.functions if not self.is_elsewhere(f)]
            mentioning = [*demand.mentioning(here, self.searched), *demand.joining(here, self.joined)]
            for function in mentioning:
                self._search(function)
            if not mentioning:
                self.settle()
                return asked <= {module.body, *module.functions}

    def _asked_elsewhere(self, function: FunctionInfo) -> bool:
        assert self._ties is not None
        readers = self._readers.get(("summary", function), ())
        return any(map(self.is_elsewhere, (*self._ties.wanted.get(function, ()), *readers)))

    # after

    def _is_same(self, path: str, before: _Part, own: dict[Any, Value], seen: _Seen) -> bool:
        """Whether others see what they saw; then who writes what now is noted."""
        assert self._ties is not None
        module = self.modules[path]
        functions = [f for f in (module.body, *module.functions) if not self.is_elsewhere(f)]
        classes = [c for c in module.classes if not self.is_elsewhere(c.defined_in)]
        after = self._part(path, functions, classes if self.within is None else before.classes)
        if (
            self.spread
            or len(self.modules) != seen.modules
            or after.seen != before.seen
            or _transactions_around(after.functions) != seen.around
            or not self._same_cells(before, after, own)
            or not self._same_functions(after, seen)
            or not all(c in after.classes and c.shape == shape for c, shape in seen.shapes.items() if self._is_read(c))
        ):
            return False
        self._ties.rewritten(before.written, after.written)
        self._anew |= frozenset(after.functions)
        self.makers = (self.makers - frozenset(before.functions)) | demand.makers(after.functions, self.kind_of)
        return True

    def _is_read(self, info: ClassInfo) -> bool:
        assert self._ties is not None
        some = self.within is not None or bool(self.kept)
        return any(path != self.edited or some for path in self._ties.shaped.get(info, ()))

    def _same_cells(self, before: _Part, after: _Part, own: dict[Any, Value]) -> bool:
        """Whether every cell holds for others what it held; cells of their own may differ."""
        assert self._ties is not None
        writers = self._ties.writers
        for key in before.written.keys() | after.written.keys() | own.keys():
            if key in own or key not in writers:
                now, known = self._cells.get(key, ()), own.get(key, ())
                if now == known:
                    continue
                if key[0] == "said" and not frozenset(known) <= frozenset(now):
                    return False  # what was taken for a session by its use may be none
                if self._read_elsewhere(key):
                    # of more than a cell holds, those that came first are in it: that is chance
                    most = MAX_ARGUMENTS if key[0] in MANY else MAX_ATOMS
                    full = len(now) == len(known) == most
                    if not full and frozenset(now) != frozenset(known):
                        return False
                    self._cells[key] = known  # others have seen it in this order
                    self._known.clear()
                elif not all(self._stands(f) for f in self._asking_by(key) if self.is_elsewhere(f)):
                    return False
            else:
                more = after.lastly.get(key, _NONE) - before.given.get(key, _NONE)
                less = before.lastly.get(key, _NONE) - after.given.get(key, _NONE)
                if (more or less) and not (more | less) <= self._given_elsewhere(key):
                    return False
        return True

    def _given_elsewhere(self, key: Any) -> set[Any]:
        """What others put into a cell."""
        assert self._ties is not None
        others = [f for f in self._ties.writers.get(key, ()) if self.is_elsewhere(f)]
        if self.recall is not None:
            for path in {f.path for f in others}:
                self.recall(path)
        traces = (t for f in others for t in f.traces[-1:])
        return {
            a for t in traces for op, cell, value in t.operations if op == memory.WRITE and cell == key for a in value
        }

    def _read_elsewhere(self, key: Any) -> bool:
        return any(map(self.is_elsewhere, self._readers.get(key, ())))

    def _outline(self, function: FunctionInfo) -> tuple[bool, ...]:
        """What of its statements others go by who do not run them."""
        starred = frozenset(p[0] for p in function.params if p[1] in (ir.KIND_VARARGS, ir.KIND_KWARGS))
        return (
            self.is_abstract(function), operators.gives_own(function), substitution.puts(function),
            bool(starred) and decorated.picks(function, starred),
        )  # fmt: skip

    def _same_functions(self, after: _Part, seen: _Seen) -> bool:
        assert self._ties is not None
        present = frozenset(after.functions)
        for function, summary in seen.summaries.items():
            if function in present and self._outline(function) != seen.outlines[function]:
                return False
            if self._read_elsewhere(("summary", function)) and (
                function not in present or function.summary.key != summary
            ):
                return False
            if any(map(self.is_elsewhere, self._ties.signed.get(function, ()))) and (
                function not in present or function.signature != seen.signatures[function]
            ):
                return False
        return True


class _Seen(NamedTuple):
    """What was known of functions before they were edited."""

    evaluated: set[FunctionInfo]
    summaries: dict[FunctionInfo, Any]
    signatures: dict[FunctionInfo, Any]
    outlines: dict[FunctionInfo, Any]
    shapes: dict[ClassInfo, Any]
    around: frozenset[Any]
    #: how many modules there were
    modules: int


_NONE: set[Any] = set()


def _transactions_around(functions: tuple[FunctionInfo, ...]) -> frozenset[Any]:
    """Which decorated functions these call, themselves or by helpers, and whether in a transaction they open.

    A decorator's inner function does; what goes wrong in its transaction is told where the decorated function stands.
    """
    calls = [e for f in functions for e in f.events if e.kind == "call" and e.callee is not None]
    decorated = [e for e in calls if e.callee is not None and e.callee.wrappers]
    helpers = {e.function for e in decorated}
    carried = [*decorated, *(e for e in calls if e.callee in helpers)]
    return frozenset((e.function, e.callee, tuple(not t.savepoint for t in e.transactions)) for e in carried)
