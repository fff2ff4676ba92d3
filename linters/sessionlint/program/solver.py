"""The solver: the run to the fixed point, and what of it an earlier solution spares."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import by_shape, demand, operators, promising
from sessionlint.program import memo as memory
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.parameters import Parameters
from sessionlint.program.revealing import completed, revealed, revealed_attributes
from sessionlint.program.values import (
    UNKNOWN,
    Cls,
    Param,
    Value,
    const,
)

_ANY: Value = const(True)


class Solver(Parameters):
    """The program while it is solved: the work list, names, classes and types in one object."""

    def solve(self) -> None:
        """Evaluates until nothing changes, and until no skipped function mentions a name that turned out to matter."""
        while True:
            self.drain()
            if self._reveal():
                continue
            self.makers = demand.makers(self.functions, self.kind_of)
            names = demand.names_that_matter(self._cells, self._lazy, self.makers, self.policy.tenant_names)
            wanted = self._policy_names | demand.with_aliases(names, self._lazy)
            fresh = wanted - self.searched
            joined = demand.joined(self.functions)
            joined |= demand.passing_on(self.functions, joined)
            for function in (*demand.mentioning(self.functions, fresh), *demand.joining(self.functions, joined)):
                self._search(function)
            self.searched |= wanted
            news = self.joined | joined != self.joined
            self.joined |= joined
            if self._read_passed_over(fresh, news):
                continue
            if not self._queue:
                self.settle()
            if not self._queue:
                self.forget_operations()
                return

    def drain(self) -> None:
        """Evaluates what is on the work list."""
        while self._queue:
            function = self._queue.take()
            # unless a caller had it evaluated meanwhile
            surely = self._queued.pop(function, None)
            if surely or (surely is False and not self._stands(function)):
                self.evaluate(function)

    def settle(self) -> None:
        """Finds out the events of functions that stayed as they were in the middle of an earlier solution."""
        while self._owed:
            self.evaluate(next(iter(self._owed)), whole=True)

    def _read_passed_over(self, names: frozenset[str], joined: bool) -> bool:
        """Reads the files without a word of interest that mention names which turned out to matter; whether any.

        ``joined`` says that there are new ones among those that matter to who calls both.
        """
        mentioning = dict.fromkeys(self.passed_over.mentioning(names))
        if joined:
            waiting = set(self.passed_over.mentioning(self.joined.waiting))
            mentioning.update((p, None) for p in self.passed_over.mentioning(self.joined.opening) if p in waiting)
        unread = [path for path in mentioning if path not in self.modules]
        for path in unread:
            module = self.module(path)
            functions = module.functions if module is not None else []
            for function in (*demand.mentioning(functions, self.searched), *demand.joining(functions, self.joined)):
                self._search(function)
        return bool(unread)

    def asks_for(self, data: bytes) -> bool:
        """Whether a file of these bytes, which has no word of interest, would be read."""
        asked = self.passed_over.is_asked_for
        return asked(data, self.searched) or (asked(data, self.joined.opening) and asked(data, self.joined.waiting))

    def _search(self, function: FunctionInfo) -> None:
        """Has a function evaluated that was passed over so far."""
        if self.edited and self.is_elsewhere(function):
            self.spread = True
            return
        function.eager = True
        operators.note_method(self, function)
        if function.class_info is not None:
            self.enqueue(function.module.body)  # its header may name what the body of the class does
        self.enqueue(function)

    def _reveal(self) -> bool:
        """Takes parameters for sessions that are used as such, once all who may pass something else were asked."""
        said = revealed(self.functions, self._cells, self.arguments_of, self.views)
        asked = {one.info for param, _ in said for one in (param, *self.arguments_of(param))}
        callers = demand.callers_of(asked | completed(self.functions, self._cells), self.functions)
        for function in callers:
            self._search(function)
        for param, value in said if not callers else ():
            self.flow(param.info, param.name, value)
        for owner, name, value in revealed_attributes(self.functions, self._cells, self.attribute):
            self.write(("attr", owner, name), value)
        declared = {key[1]: None for key in (*self._readers, *self._leads_to) if key[0] == "subclasses"}
        for protocol, made in by_shape.fulfilled(declared, self.classes, self.peek, self.mro):
            self.write(("subclasses", protocol), (Cls(made),))
        for function in promising.opaque(self.functions, self.objects_of):
            self.write((promising.OPAQUE, function), _ANY)
        return bool(self._queue)

    def _again(self, operation: int, key: Any, value: Any) -> bool:
        """Repeats one operation of a trace: whether what was read is still the same."""
        now: Any
        if operation == memory.MEMBER:
            now = self.member(*key)
        elif operation in (memory.SHAPE, memory.SUMMARY, memory.DECLARES) and not hasattr(key, "module"):
            return False  # this solution has not met it yet
        elif operation == memory.SHAPE:
            now = tuple([c.shape for c in self.mro(key)])
        elif operation == memory.DECLARES:
            now = self.is_abstract(key)
        elif operation == memory.SUMMARY:
            now = self.summary_of(key).key
        elif operation == memory.ANSWER:
            now = self.ask(*key)
        elif operation >= memory.WANT:
            return self._do_again(operation, key, value)
        else:
            now = self.names.identity if operation == memory.FILES else self._cells.get(key, UNKNOWN)
        return now is value or bool(now == value)

    def _do_again(self, operation: int, key: Any, value: Any) -> bool:
        """Does once more what an evaluation did besides writing cells; whether it could be done."""
        if operation == memory.SIGN:
            self.ensure_signed(key)
        elif operation == memory.WANT:
            self.want(key)
        elif operation == memory.IMPORT:
            self.modules[key[0]].imports.append(key[1])
        elif operation == memory.IMPORT_LATER:
            self.import_later(*key)
        elif operation == memory.DEFINE:
            return self._define_again(key, *value)
        elif operation == memory.DEFINED:
            key.restore(value)
            for name in key.param_values:
                self._declared.pop(Param(key, name), None)
            self.shapes += 1
            self.note_defined(key)
        elif operation == memory.CLASS:
            return self._define_class_again(key, *value)
        elif operation == memory.BASES:
            self.set_bases(key, value)
        elif operation == memory.DECORATORS:
            self.set_decorators(key, value)
        elif operation == memory.ATTRIBUTE:
            self.set_attribute(key[0], key[1], value)
        elif operation == memory.ROUTE:
            self.note_route(*key)
        elif operation == memory.ROUTER:
            self.note_router(key, value)
        elif operation == memory.INCLUDE:
            self.note_include(key, value)
        elif operation == memory.MIDDLEWARE:
            self.note_middleware(key, value)
        elif operation == memory.GONE:
            return False
        elif operation == memory.OUTER:
            return bool(key.children) is value
        return True

    def _define_again(self, function: FunctionInfo, span: ir.Span4, scope: ClassInfo | None) -> bool:
        outer = self._active[-1]
        # the record of an earlier solution still has its facts, one from the disk has none
        facts = getattr(function, "facts", None) or outer.definition_at(span)
        found = self.define(facts, outer, scope)
        if scope is not None and found.name != "<lambda>":
            scope.add(found)
        return found is function

    def _define_class_again(self, info: ClassInfo, span: ir.Span4, qualname: str) -> bool:
        outer = self._active[-1]
        facts = getattr(info, "facts", None) or outer.definition_at(span)
        return self.define_class(outer.module, facts, qualname, outer) is info
