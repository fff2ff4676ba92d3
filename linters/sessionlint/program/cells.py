"""Cells: values that several functions share, and who has to hear of it when they change.

A *cell* holds a module's name, a class's attribute, a parameter's arguments, a captured local. Its value only grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program import memo as memory
from sessionlint.program.memo import Operation
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import MAX_ARGUMENTS, MAX_ATOMS, UNKNOWN, Value, bounded, join

Question = tuple[Any, ...]
"""The name of a method of the solver, and what it is asked about."""

#: Cells that name resolution reads.
_NAME_CELLS = frozenset({"name", "stars", "getattr"})


#: Cells that many write to: what callers pass, what is put into a registry, and under which keys.
_MANY = frozenset({"param", "registry", "keys", "dispatched", "signal"})


class Cells:
    """The cells, what the function being evaluated reads and writes of them, and the questions it asks."""

    def __init__(self) -> None:
        self._active: list[FunctionInfo] = []
        self._cells: dict[Any, Value] = {}
        self._readers: dict[Any, dict[FunctionInfo, None]] = {}
        #: who read a cell on the way to an answer, see :meth:`ask`
        self._askers: dict[Any, dict[FunctionInfo, None]] = {}
        #: what each function asked last, the answers, and how many changes there had been then
        self._answers: dict[FunctionInfo, dict[Question, tuple[Any, int]]] = {}
        self._changes = 0
        #: where it is noted who reads: one of the two
        self._noting = self._readers
        #: grows whenever what a name of a module means may have changed
        self.epoch = 0
        #: what the evaluation that runs has read and written; ``None`` when it will not be remembered
        self._trace: list[Operation] | None = None
        self._noted: set[Any] = set()
        #: the last operations of each kind by key: most evaluations read the same, and share one record of it
        self._reads: dict[Any, Operation] = {}
        self._writes: dict[Any, Operation] = {}
        self._operations: dict[Any, Operation] = {}

    def read(self, key: Any) -> Value:
        """The value of a cell; the function being evaluated will be told when it changes."""
        if self._active:
            readers = self._noting.get(key)
            if readers is None:
                self._noting[key] = {self._active[-1]: None}
            else:
                readers[self._active[-1]] = None
        value = self._cells.get(key, UNKNOWN)
        if self._trace is not None and key not in self._noted:
            self._noted.add(key)
            known = self._reads.get(key)
            if known is None or known[2] is not value:
                known = self._reads[key] = (memory.READ, key, value)
            self._trace.append(known)
        return value

    def remember(self, operation: int, key: Any, value: Any = None) -> None:
        """Notes what the running evaluation read or did besides cells."""
        if self._trace is not None:
            noted = (operation, key)
            if noted not in self._noted:
                self._noted.add(noted)
                known = self._operations.get(noted)
                if known is None or known[2] is not value:
                    known = self._operations[noted] = (operation, key, value)
                self._trace.append(known)

    def forget_operations(self) -> None:
        """Ends the sharing of operations: what goes on to be evaluated is little."""
        self._reads.clear()
        self._writes.clear()
        self._operations.clear()

    def forget_seen(self, operation: int, key: Any) -> None:
        """Lets the same thing be noted again: what is done twice counts with what it did last."""
        self._noted.discard((operation, key))

    def _note(self, key: Any) -> None:
        if self._active:
            readers = self._noting.get(key)
            if readers is None:
                self._noting[key] = {self._active[-1]: None}
            else:
                readers[self._active[-1]] = None

    def ask(self, name: str, *about: Any) -> Any:
        """What the method ``name`` says ``about`` something. It may read, and nothing else.

        The function being evaluated will be told when the answer changes, rather than whenever a cell does that was
        read on the way to it.
        """
        if self._noting is self._askers or not self._active:
            return getattr(self, name)(*about)
        question, function = (name, *about), self._active[-1]
        answers = self._answers.get(function)
        if answers is None:
            answers = self._answers[function] = {}
        known = answers.get(question)
        if known is not None and known[1] == self._changes:
            return known[0]
        trace, self._trace, self._noting = self._trace, None, self._askers
        answer = getattr(self, name)(*about)
        self._trace, self._noting = trace, self._readers
        answers[question] = (answer, self._changes)
        if known is None:
            if trace is not None:
                trace.append((memory.ANSWER, question, answer))
        elif known[0] != answer:
            self.enqueue(function)  # it went by both
        return answer

    def _stands(self, function: FunctionInfo) -> bool:
        """Whether all that the last evaluation of a function asked still has the same answer."""
        self._active.append(function)
        self._noting = self._askers
        answers = self._answers.get(function, {}).items()
        same = all(getattr(self, name)(*about) == answer for (name, *about), (answer, _) in answers)
        self._noting = self._readers
        self._active.pop()
        return same

    def write(self, key: Any, value: Value) -> None:
        """Adds to a cell what it may hold."""
        if not value:
            return
        if self._trace is not None:
            known = self._writes.get(key)
            if known is None or known[2] != value:
                known = self._writes[key] = (memory.WRITE, key, value)
            self._trace.append(known)
        old = self._cells.get(key, UNKNOWN)
        if old:
            if old is value:
                return
            for atom in value:
                if atom not in old:
                    break
            else:
                return
        new = join(old, bounded(value), MAX_ARGUMENTS if key[0] in _MANY else MAX_ATOMS)
        if new is not old and new != old:
            self._cells[key] = new
            self._changed(key)

    def peek(self, key: Any) -> Value:
        """The value of a cell; who reads it will not be told when it changes."""
        value = self._cells.get(key, UNKNOWN)
        self.remember(memory.PEEKED, key, value)
        return value

    def long_lived(self) -> Iterator[Value]:
        """What names of modules and attributes of applications hold, for rules."""
        for key, value in self._cells.items():
            if key[0] == "name" or (key[0] == "state" and key[1] == "app.state"):
                yield value

    def held(self) -> Iterator[tuple[ClassInfo, Value]]:
        """What the attributes of each class's instances hold, for rules."""
        for key, value in self._cells.items():
            if key[0] == "attr":
                yield key[1], value

    def _changed(self, key: Any) -> None:
        self._changes += 1
        if key[0] in _NAME_CELLS:
            self.epoch += 1
        for reader in self._readers.get(key, ()):
            self.enqueue(reader)
        for reader in self._askers.get(key, ()):
            self.enqueue(reader, surely=False)

    def enqueue(self, function: FunctionInfo, surely: bool = True) -> None:
        """Puts a function on the work list; not ``surely`` when it may still stand."""
        raise NotImplementedError
