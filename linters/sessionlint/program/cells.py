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


#: Questions whose answers hang on cells alone, not on what classes and signatures look like.
_OF_CELLS = frozenset({"arguments_of", "first_passed", "passed_columns", "passed_tasks"})
_UNANSWERED: Any = object()

#: Cells that many write to: what callers pass, what is put into a registry, and under which keys.
MANY = frozenset({"param", "registry", "keys", "dispatched", "signal"})


class Cells:
    """The cells, what the function being evaluated reads and writes of them, and the questions it asks."""

    def __init__(self) -> None:
        self._active: list[FunctionInfo] = []
        self._cells: dict[Any, Value] = {}
        self._readers: dict[Any, dict[FunctionInfo, None]] = {}
        #: on the way to which answers a cell (or another question) was read, see :meth:`ask`
        self._leads_to: dict[Any, dict[Question, None]] = {}
        #: the answers that hold as long as no cell changes that was read on the way, and in which :attr:`shapes`
        self._known: dict[Question, tuple[Any, int]] = {}
        self._askers: dict[Question, dict[FunctionInfo, None]] = {}
        #: what each function asked last, and the answers it went by
        self._answers: dict[FunctionInfo, dict[Question, Any]] = {}
        #: grows whenever a class or a signature may look different
        self.shapes = 0
        #: the question whose answer is being looked for
        self._question: Question | None = None
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
        if self._active or self._question is not None:
            self._note(key)
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
        """Notes who reads a cell: the question that is being answered, or else the function being evaluated."""
        if self._question is not None:
            questions = self._leads_to.get(key)
            if questions is None:
                self._leads_to[key] = {self._question: None}
            else:
                questions[self._question] = None
        elif self._active:
            readers = self._readers.get(key)
            if readers is None:
                self._readers[key] = {self._active[-1]: None}
            else:
                readers[self._active[-1]] = None

    def ask(self, name: str, *about: Any) -> Any:
        """What the method ``name`` says ``about`` something. It may read and ask, and nothing else.

        The function being evaluated will be told when the answer changes, rather than whenever a cell does that was
        read on the way to it. The answer is kept for all who ask the same.
        """
        if self._question is None and not self._active:
            return getattr(self, name)(*about)
        question = (name, *about)
        answer = self._answer(question)
        if self._question is not None:
            self._note(question)
            return answer
        function = self._active[-1]
        self._askers.setdefault(question, {})[function] = None
        answers = self._answers.setdefault(function, {})
        before = answers.get(question, _UNANSWERED)
        if before is not answer:
            answers[question] = answer
            if before is not _UNANSWERED and before != answer:
                self.enqueue(function)  # it went by both
        if self._trace is not None:
            self.remember(memory.ANSWER, question, answer)
        return answer

    def _answer(self, question: Question) -> Any:
        shapes = 0 if question[0] in _OF_CELLS else self.shapes
        known = self._known.get(question)
        if known is not None and known[1] == shapes:
            return known[0]
        outer, self._question = self._question, question
        trace, self._trace = self._trace, None
        answer = getattr(self, question[0])(*question[1:])
        self._question, self._trace = outer, trace
        self._known[question] = (answer, shapes)
        return answer

    def _stands(self, function: FunctionInfo) -> bool:
        """Whether all that the last evaluation of a function asked still has the same answer."""
        answers = self._answers.get(function, {})
        return all(self._answer(question) == answer for question, answer in answers.items())

    def _asking_by(self, key: Any) -> set[FunctionInfo]:
        """Who asked something on the way to whose answer a cell (or another question) was read."""
        asked: dict[Question, None] = {}
        pending = [key]
        while pending:
            for question in self._leads_to.get(pending.pop(), ()):
                if question not in asked:
                    asked[question] = None
                    pending.append(question)
        return {function for question in asked for function in self._askers.get(question, ())}

    def _doubt(self, key: Any) -> None:
        """What was read on the way to answers has changed: they have to be looked for again."""
        pending = [key]
        while pending:
            for question in self._leads_to.get(pending.pop(), ()):
                if self._known.pop(question, None) is not None:
                    pending.append(question)
                    for function in self._askers.get(question, ()):
                        self.enqueue(function, surely=False)

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
        new = join(old, bounded(value), MAX_ARGUMENTS if key[0] in MANY else MAX_ATOMS)
        if new is not old and new != old:
            self._cells[key] = new
            self._changed(key)

    def peek(self, key: Any) -> Value:
        """The value of a cell; who reads it will not be told when it changes."""
        value = self._cells.get(key, UNKNOWN)
        self.remember(memory.PEEKED, key, value)
        return value

    def long_lived(self, but: frozenset[Any] = frozenset()) -> Iterator[Value]:
        """What names of modules (``but`` for these cells) and attributes of applications hold, for rules."""
        for key, value in self._cells.items():
            if (key[0] == "name" and key not in but) or (key[0] == "state" and key[1] == "app.state"):
                yield value

    def held(self) -> Iterator[tuple[ClassInfo, Value]]:
        """What the attributes of each class's instances hold, for rules."""
        for key, value in self._cells.items():
            if key[0] == "attr":
                yield key[1], value

    def _changed(self, key: Any) -> None:
        if key[0] in _NAME_CELLS:
            self.epoch += 1
        for reader in self._readers.get(key, ()):
            self.enqueue(reader)
        if key in self._leads_to:
            self._doubt(key)

    def enqueue(self, function: FunctionInfo, surely: bool = True) -> None:
        """Puts a function on the work list; not ``surely`` when it may still stand."""
        raise NotImplementedError
