"""What earlier solutions of a project computed, so that the next one evaluates only what changed.

Evaluating a function is a function of what it reads: cells, summaries of callees, signatures, shapes of
classes. A :class:`Trace` keeps what one evaluation read and wrote, in order. Where all it read is the same
again, its results are taken over instead of evaluating; so a solution with a memo is the one without it, only
sooner. Functions keep their identity (:class:`FunctionInfo`) by file, qualified name and number among their
namesakes, because values of other functions refer to them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from sessionlint.facts.packing import unpack
from sessionlint.program.model import ClassInfo, Event, FunctionInfo, Key, ModuleInfo, Summary

#: What an operation of a trace is: something that was read and must be the same, or something to do again.
READ, PEEKED, MEMBER, SUMMARY, SIGNATURE, SHAPE, FILES, WRITE = range(8)
WANT, SIGN, ENQUEUE, IMPORT, IMPORT_LATER, DEFINE, DEFINED, CLASS, BASES, DECORATORS, ATTRIBUTE = range(8, 19)
ROUTE, ROUTER, INCLUDE, MIDDLEWARE = range(19, 23)
#: Whether the function had inner functions before.
OUTER = 23
#: What was asked (:meth:`WorkList.ask`), and the answer.
ANSWER = 24
#: What was read is not known any more: this evaluation stands in for no other.
GONE = 25
#: Whether a function only declares.
DECLARES = 26
NEVER: tuple[int, Any, Any] = (GONE, None, None)

#: What an evaluation does to functions, of other files as well.
ACTS = frozenset({WANT, ROUTE, MIDDLEWARE})
#: What edits ask of evaluations before, see :mod:`sessionlint.program.ties`.
TIES = frozenset({WANT, ROUTE, MIDDLEWARE, WRITE, SIGNATURE, SHAPE})

Operation = tuple[int, Any, Any]
"""``(READ, cell key, value)``, ``(MEMBER, (path, name), value)``, ``(WRITE, cell key, value)``…"""


class Trace(NamedTuple):
    """One evaluation: what it read and did, and what came of it."""

    operations: list[Operation]
    events: list[Event]
    summary: Summary
    #: ``False``: the function was evaluated again in that solution, and only events the search needs are left
    whole: bool = True


class Memo:
    """Functions, classes and traces of the solutions before, by file.

    A memo belongs to one policy. It may be used by one solver at a time.
    """

    def __init__(self, state: tuple[Any, ...] = ({}, (), ()), slim: bool = False) -> None:
        """An empty memo, or one from the :attr:`state` of another; ``slim``: only what edits ask for is noted."""
        self.slim = slim
        self._functions: dict[Key, FunctionInfo] = {}
        self._classes: dict[Key, ClassInfo] = {}
        self._digests: dict[str, bytes] = state[0]
        self._before: dict[str, bytes] = {}
        self._facts: dict[str, tuple[bytes, bytes, Any]] = {}
        self._made: Counter[tuple[str, str, str]] = Counter()
        #: evaluations of the last solution that no trace could stand in for
        self.evaluated = 0
        self.recalled = 0
        for key, function, function.last_signature, function.traces in state[1]:
            self._functions[key] = function
        for key, info, info.last_shape in state[2]:
            self._classes[key] = info

    @property
    def is_known(self) -> bool:
        """Whether it has anything of a solution before."""
        return bool(self._functions)

    @property
    def state(self) -> tuple[Any, ...]:
        """All there is to keep, as plain records."""
        functions = [(k, f, f.last_signature, f.traces) for k, f in self._functions.items()]
        return (self._digests, functions, [(k, c, c.last_shape) for k, c in self._classes.items()])

    def start(self) -> None:
        """A solution begins."""
        self._before, self._digests = self._digests, {}
        self.evaluated = self.recalled = 0
        self._made.clear()

    def meet(self, path: str, blob: bytes) -> Any:
        """A file is read; the facts in ``blob``."""
        known = self._facts.get(path)
        if known is None or known[0] != blob:
            facts = unpack(blob)
            known = self._facts[path] = (blob, hashlib.blake2b(blob, digest_size=16).digest(), facts)
        self._digests[path] = known[1]
        return known[2]

    def facts_of(self, path: str, blob: bytes) -> Any:
        """The facts in ``blob``, of a file that may not be read in this solution."""
        known = self._facts.get(path)
        return known[2] if known is not None and known[0] == blob else unpack(blob)

    def adopt(self, functions: Iterable[FunctionInfo], classes: Iterable[ClassInfo]) -> None:
        """These are functions and classes of the last solution."""
        for function in functions:
            self._functions[function.key] = function
            self._number("def", function.key[0], function.key[1])
        for info in classes:
            self._classes[info.key] = info
            self._number("class", info.key[0], info.key[1])

    def finish(self) -> None:
        """A solution ended: what it did not meet is forgotten, files that were not read included."""
        met = {(path, name): number for (kind, path, name), number in self._made.items() if kind == "def"}
        self._functions = {k: f for k, f in self._functions.items() if k[2] < met.get((k[0], k[1]), 0)}
        met = {(path, name): number for (kind, path, name), number in self._made.items() if kind == "class"}
        self._classes = {k: c for k, c in self._classes.items() if k[2] < met.get((k[0], k[1]), 0)}
        self._facts = {path: known for path, known in self._facts.items() if path in self._digests}
        for function in self._functions.values():
            function.traces = function.used
            function.used = []

    @property
    def functions(self) -> Iterable[FunctionInfo]:
        """The functions of the last solution."""
        return self._functions.values()

    def reopen(self, path: str) -> None:
        """One file of the last solution is evaluated anew."""
        self._before[path] = self._digests.get(path, b"")
        for key in [key for key in self._made if key[1] == path]:
            del self._made[key]

    def renew(
        self, path: str, blob: bytes, functions: Iterable[FunctionInfo], classes: Iterable[ClassInfo] = ()
    ) -> None:
        """The file has other facts; these functions and classes are met anew."""
        self._before[path] = self._digests.get(path, b"")
        self.meet(path, blob)
        for function in functions:
            self._made.pop(("def", path, function.qualname), None)
        for info in classes:
            self._made.pop(("class", path, info.qualname), None)
            if info.maker is not None:
                self._made.pop(("def", path, info.maker.qualname), None)

    def close(self, path: str, kept: bool = False) -> None:
        """It has been; ``kept``: functions that were not evaluated anew keep what they did before."""
        for key in [key for key in self._functions if key[0] == path]:
            if key[2] >= self._made["def", path, key[1]]:
                del self._functions[key]
            elif self._functions[key].used or not kept:
                function = self._functions[key]
                function.traces, function.used = function.used, []
        for key in [key for key in self._classes if key[0] == path]:
            if key[2] >= self._made["class", path, key[1]]:
                del self._classes[key]

    def function(
        self,
        module: ModuleInfo,
        facts: tuple[Any, ...],
        qualname: str,
        parent: FunctionInfo | None,
        scope: ClassInfo | None,
    ) -> FunctionInfo:
        """The record of a definition: the one of the solution before, emptied, or a new one."""
        key = (module.path, qualname, self._number("def", module.path, qualname))
        known = self._functions.get(key)
        if known is None:
            known = self._functions[key] = FunctionInfo(key)
        elif self._changed(module.path) and getattr(known, "facts", None) != facts:
            known.traces = []  # one from the disk has no facts
        known.fill(module, facts, qualname, parent, scope)
        return known

    def class_(self, module: ModuleInfo, facts: tuple[Any, ...], qualname: str, owner: FunctionInfo) -> ClassInfo:
        """The same for a class."""
        key = (module.path, qualname, self._number("class", module.path, qualname))
        known = self._classes.get(key)
        if known is None:
            known = self._classes[key] = ClassInfo(key)
        known.fill(module, facts, qualname, owner)
        return known

    def _changed(self, path: str) -> bool:
        return self._digests.get(path) != self._before.get(path)

    def _number(self, kind: str, path: str, qualname: str) -> int:
        number = self._made[kind, path, qualname]
        self._made[kind, path, qualname] = number + 1
        return number
