"""The fixed point: functions are evaluated until no cell they read changes any more.

Whoever reads a cell (see :mod:`sessionlint.program.cells`) is evaluated again when it grows; so results do not
depend on the order of files, and recursion and import cycles need no special case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sessionlint.program import demand
from sessionlint.program import memo as memory
from sessionlint.program.bodies import is_within
from sessionlint.program.cells import Cells
from sessionlint.program.memo import Memo, Operation, Trace
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo, Summary
from sessionlint.program.modules import ModuleNames
from sessionlint.program.passed_over import PassedOver
from sessionlint.program.sweeps import Sweeps
from sessionlint.program.values import (
    UNKNOWN,
    Param,
    Value,
)

if TYPE_CHECKING:
    from sessionlint.policy import Policy

#: A function is evaluated at most this often; values only grow, so this bounds pathological programs.
MAX_VISITS = 14
#: Callees are evaluated at once up to this nesting, then queued.
MAX_NESTING = 60
_NOTHING = Summary()


class WorkList(Cells):
    """Modules, and the functions that still have to be evaluated."""

    def __init__(
        self,
        policy: Policy,
        names: ModuleNames,
        load: Callable[[str], ModuleInfo | None],
        run: Callable[[Any, FunctionInfo], None],
        sign: Callable[[Any, FunctionInfo], None],
        policy_names: frozenset[str] = frozenset(),
        memo: Memo | None = None,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.names = names
        #: whether a file, read or not, has a word in its code
        self.mentions: Callable[[str, str], bool] = lambda _, __: False
        #: what a file imports (module, level, members), of files as well that nothing has read
        self.imports_of: Callable[[str], Iterable[tuple[str, int, Sequence[str]]]] = lambda _: ()
        self.passed_over = PassedOver((), lambda _: frozenset())
        self.modules: dict[str, ModuleInfo] = {}
        self.functions: list[FunctionInfo] = []
        self.classes: list[ClassInfo] = []
        self.statistics: Counter[str] = Counter()
        self.routers: dict[Any, dict[str, Any]] = {}
        self.includes: list[tuple[Any, Any, Value, Any]] = []
        #: place of an ``include_router`` -> its keywords
        self.include_options: dict[Any, dict[str, Value]] = {}
        self.memo = memo or Memo()
        #: whether evaluations leave traces
        self.remembers = memo is not None
        #: functions that were taken over as they were in the middle of a solution, without their events
        self._owed: dict[FunctionInfo, None] = {}
        self._load = load
        self._run = run
        self._sign = sign
        self._policy_names = policy_names
        #: what functions are called that the policy says something of
        ways = (*policy.session_dependencies, *policy.session_contexts)
        named = (*ways, *policy.network_calls, *policy.background_sinks)
        self.named = frozenset(name.rpartition(".")[2] for name in named)
        self._lazy: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
        #: what functions do in calls that say more of their arguments, and what was read and done on the way
        self._in_calls: dict[Any, tuple[list[Operation], Summary]] = {}
        self._queue: Sweeps[FunctionInfo] = Sweeps()
        #: what is on the work list, and whether for more than an answer that may be another
        self._queued: dict[FunctionInfo, bool] = {}
        #: functions that hand out handles or end transactions, and the names looked for because of such
        self.makers: frozenset[FunctionInfo] = frozenset()
        self.searched: frozenset[str] = frozenset()
        self.joined = demand.Joined()
        #: while a part of a solved program is taken anew: its file, the functions in it that are (``None``: all but
        #: those kept), and whether others had to be looked at
        self.edited = ""
        self.within: frozenset[FunctionInfo] | None = None
        self.kept: frozenset[FunctionInfo] = frozenset()
        self.spread = False
        #: names whose resolution is under way
        self.importing: set[tuple[str, str]] = set()
        #: resolved names: epoch, value, and the cells that were read on the way
        self._members: dict[tuple[str, str], tuple[int, Value, tuple[Any, ...]]] = {}
        self._followed: list[Any] = []
        self._waiting: list[FunctionInfo] = []
        self._mro: dict[ClassInfo, tuple[ClassInfo, ...]] = {}
        self._kinds: dict[ClassInfo, str | None] = {}
        self._declared: dict[Param, tuple[Value, bool]] = {}

    def enqueue(self, function: FunctionInfo, surely: bool = True) -> None:
        """Puts a function on the work list; not ``surely`` when it may still stand."""
        if self.edited and self.is_elsewhere(function):
            return
        if function in self._queued:
            self._queued[function] |= surely
        elif function.visits < MAX_VISITS:
            self._queued[function] = surely
            self._queue.add(function)

    def is_elsewhere(self, function: FunctionInfo) -> bool:
        """Whether a function is none of those that are taken anew."""
        if function.module.path != self.edited:
            return True
        return is_within(function, self.kept) if self.within is None else not is_within(function, self.within)

    # evaluation

    def note_import(self, module: ModuleInfo, entry: tuple[str, str | None, Any, FunctionInfo]) -> None:
        """Notes an import statement (see :attr:`ModuleInfo.imports`)."""
        self.remember(memory.IMPORT, (module.path, entry))
        module.imports.append(entry)

    def note_router(self, site: Any, entry: dict[str, Any]) -> None:
        """A router or application is made at ``site``."""
        self.remember(memory.ROUTER, site, entry)
        self.routers[site] = {**self.routers.get(site, {}), **entry}

    def note_include(self, entry: tuple[Any, Any, Value, Any], options: dict[str, Value]) -> None:
        """A router includes another: ``(outer, inner, keywords of each round, site)``, and the keywords of all."""
        self.remember(memory.INCLUDE, entry, options)
        self.include_options[entry[3]] = options
        if entry not in self.includes:
            # what an earlier round saw at this place is outdated
            self.includes[:] = [i for i in self.includes if (i[0], i[1], i[3]) != (entry[0], entry[1], entry[3])]
            self.includes.append(entry)

    def note_route(self, function: FunctionInfo, route: Any) -> None:
        """A function serves requests."""
        self.remember(memory.ROUTE, (function, route))
        if route not in function.routes:
            # what an earlier round saw at this place is outdated
            old, place = (None, route.path), (route.path_of_file, route.span)
            kept = tuple([r for r in function.routes if (r.path_of_file, r.span) != place or r.path not in old])
            function.routes = (*kept, route)

    def note_middleware(self, function: FunctionInfo, site: Any) -> None:
        """A function stands before all routes."""
        self.remember(memory.MIDDLEWARE, function, site)
        function.registrations["middleware"] = (site, "middleware")
        function.resigned()
        self.want(function)

    def note_defined(self, function: FunctionInfo) -> None:
        """The decorators, annotations and defaults of a function have been evaluated."""
        self.remember(memory.DEFINED, function, function.definition)
        if function.eager and not function.evaluated:
            self.enqueue(function)
        elif function.dependencies and any(d.provided or d.handed for d in function.dependencies.values()):
            self.enqueue(function)  # its provider, or who hands it in, may have been found since

    def define(self, facts: tuple[Any, ...], owner: FunctionInfo, scope: ClassInfo | None) -> FunctionInfo:
        """The one record of a function defined in ``owner`` (and in the class ``scope``), however often it is met."""
        module = owner.module
        top = owner is module.body
        info = owner.children.get(facts[1])
        if info is None:
            prefix = scope.qualname if scope is not None else owner.qualname
            qualname = f"{prefix}.{facts[0]}" if prefix else facts[0]
            info = self.memo.function(module, facts, qualname, None if top else owner, scope)
            owner.children[facts[1]] = info
            module.functions.append(info)
            self.functions.append(info)
        self.remember(memory.DEFINE, info, (facts[1], scope))
        return info

    def define_class(self, module: ModuleInfo, facts: tuple[Any, ...], qualname: str, owner: FunctionInfo) -> ClassInfo:
        """The same for a class."""
        info = owner.classes.get(facts[1])
        if info is None:
            info = owner.classes[facts[1]] = self.memo.class_(module, facts, qualname, owner)
            module.classes.append(info)
            self.classes.append(info)
        self.remember(memory.CLASS, info, (facts[1], qualname))
        return info

    def want(self, function: FunctionInfo) -> None:
        """Has a function evaluated that is used without being called in sight (by FastAPI, for example)."""
        self.remember(memory.WANT, function)
        function.eager = True
        self.ensure_signed(function)
        if not function.evaluated:
            self.enqueue(function)

    def ensure_signed(self, function: FunctionInfo) -> None:
        """Annotations and defaults of a function that was passed over so far."""
        if not function.signed:
            self.remember(memory.SIGN, function)
            self._sign(self, function)
        if self._trace is not None:
            self.remember(memory.SIGNATURE, function, function.signature)

    def evaluate(self, function: FunctionInfo, whole: bool = False) -> None:
        """Evaluates one function now (or takes over what is known of it) and tells readers of its summary."""
        if self.edited and self.is_elsewhere(function):
            self.spread = True
        function.visits += 1
        before = function.summary.key
        outer = (self._trace, self._noted, self._question)
        self._trace, self._question = None, None
        self._answers.pop(function, None)
        self._active.append(function)
        try:
            self.ensure_signed(function)
            self._owed.pop(function, None)
            if not self._recall(function, whole):
                self._answers.pop(function, None)
                self._evaluate(function)
        finally:
            self._active.pop()
            self._trace, self._noted, self._question = outer
        function.evaluated = True
        self._queue.done(function)
        if function.summary.key != before:
            self._changed(("summary", function))

    def _evaluate(self, function: FunctionInfo) -> None:
        operations: list[Operation] = []
        if self.remembers:
            self._trace, self._noted = operations, set()
            self.remember(memory.OUTER, function, bool(function.children))
            self.remember(memory.SIGNATURE, function, function.signature)
        try:
            self._run(self, function)
        except RecursionError:
            self.statistics["functions too deeply nested to evaluate"] += 1
            return
        if self._trace is operations:
            self.memo.evaluated += 1
            if self.memo.slim:
                shares = [op for op in operations if op[0] in memory.TIES]
                function.used.append(Trace([memory.NEVER, *shares], [], _NOTHING, False))
            else:
                self._keep(function, Trace(operations, function.events, function.summary))

    def _recall(self, function: FunctionInfo, whole: bool) -> bool:
        """Takes over an earlier (``whole``) evaluation that read what there is now, and does again what it did."""
        for trace in function.traces:
            if (trace.whole or not whole) and self._repeats(function, trace.operations):
                function.events, function.summary = trace.events, trace.summary
                if not trace.whole:
                    self._owed[function] = None
                self._keep(function, trace)
                self.memo.recalled += 1
                return True
        return False

    def in_call(self, call: Any, evaluate: Callable[[], Summary]) -> Summary:
        """What ``evaluate`` finds of a kind of ``call``; what was found is taken over while it reads the same."""
        trace, noted = self._trace, self._noted
        operations, summary = self._in_calls.get(call, (None, None))
        self._trace = None
        if operations is None or summary is None or not self._repeats(self._active[-1], operations):
            operations = []
            self._trace, self._noted = operations, set()
            try:
                summary = evaluate()
            finally:
                self._trace, self._noted = trace, noted
            self._in_calls[call] = (operations, summary)
        self._trace = trace
        if trace is not None:
            for done in operations:
                mark = done[1] if done[0] == memory.READ else done[:2]
                if done[0] == memory.WRITE or mark not in noted:
                    noted.add(mark)
                    trace.append(done)
        return summary

    @staticmethod
    def _keep(function: FunctionInfo, trace: Trace) -> None:
        """Notes a trace; most events of the one before are of no more use, as long as it is not the last again."""
        used = function.used
        if used and used[-1].whole:
            used[-1] = used[-1]._replace(events=[e for e in used[-1].events if e.kind == "unknown"], whole=False)
        used.append(trace)

    def _repeats(self, function: FunctionInfo, operations: list[Operation]) -> bool:
        """Repeats a trace as far as what it reads is the same; the most frequent operations are looked at here."""
        cells, readers = self._cells, self._readers
        now: Any
        for operation, key, value in operations:
            if operation == memory.READ:
                known = readers.get(key)
                if known is None:
                    readers[key] = {function: None}
                else:
                    known[function] = None
                now = cells.get(key, UNKNOWN)
            elif operation == memory.WRITE:
                self.write(key, value)
                continue
            elif operation == memory.SIGNATURE:
                now = getattr(key, "signature", None)  # None: this solution has not met it yet
            elif self._again(operation, key, value):
                continue
            else:
                return False
            if now is not value and now != value:
                return False
        return True

    def _again(self, operation: int, key: Any, value: Any) -> bool:
        raise NotImplementedError

    def summary_of(self, function: FunctionInfo) -> Summary:
        """What is known of a callee so far; evaluates it first when that is possible."""
        if not function.evaluated:
            function.eager = True
            if function not in self._active and len(self._active) < MAX_NESTING:
                self._queued.pop(function, None)
                self.evaluate(function)
            else:
                self.enqueue(function)
        # only now: the caller goes on with what was just found
        self._note(("summary", function))
        if self._trace is not None:
            self.remember(memory.SUMMARY, function, function.summary.key)
            self.remember(memory.SIGNATURE, function, function.signature)
        return function.summary

    # modules

    def module(self, path: str) -> ModuleInfo | None:
        """The module of a file, its body evaluated (or being evaluated)."""
        module = self.modules.get(path)
        if module is None:
            module = self._load(path)
            if module is None:
                return None
            self.modules[path] = module
        if not module.body.evaluated and not module.in_progress:
            module.in_progress = True
            outer = (self.importing, self._followed, self._waiting)
            self.importing, self._followed, self._waiting = set(), [], []
            self.evaluate(module.body)
            self.importing, self._followed, self._waiting = outer
            module.in_progress = False
        return module
