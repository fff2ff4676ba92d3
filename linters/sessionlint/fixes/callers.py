"""Who calls a function, as far as the program shows, and which mentions of it are not understood."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.facts.ir import Span4
from sessionlint.facts.source import SourceError
from sessionlint.fixes.callers_bindings import Bindings
from sessionlint.fixes.callers_texts import are_related, fits, is_route, may_name

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


@dataclass(frozen=True, slots=True, eq=False)
class CallSite:
    """One call: ``node`` in its file's tree, the function it stands in (None: not evaluated, as most tests are).

    ``event`` is what the program knows of it (``bindings``, ``transactions``, ``flags``), if anything.
    """

    path: str
    span: Span4
    node: cst.Call
    function: FunctionInfo | None
    event: Event | None

    @property
    def line(self) -> int:
        """The line it begins on."""
        return self.span[0]


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names a function without calling it in a way that is understood; ``why`` completes "it is …"."""

    path: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Callers:
    """``calls`` are all calls that are understood. Only when there are no ``unknown`` mentions, they are all there are.

    ``routed``: a web framework or a decorator calls it, too.
    """

    calls: tuple[CallSite, ...]
    unknown: tuple[Mention, ...]
    routed: bool

    @property
    def all_known(self) -> bool:
        """Whether every mention of the function in the program is a call that can be rewritten."""
        return not self.unknown


def callers_of(context: Context, function: FunctionInfo) -> Callers:
    """Looks through every file of the program, tests included, for the name of a function."""
    search = _Search(context, function)
    search.run()
    decorated = bool(function.routes or function.registrations)
    order = sorted(search.calls, key=lambda call: (call.path, call.span))
    return Callers(tuple(order), tuple(sorted(search.unknown, key=lambda m: (m.path, m.line, m.why))), decorated)


def _calls_by_place(program: Program) -> dict[tuple[str, Span4], list[Event]]:
    found: dict[tuple[str, Span4], list[Event]] = {}
    for event in program.events("call", "obtain"):
        found.setdefault(event.site, []).append(event)
    return found


class _Search:
    def __init__(self, context: Context, function: FunctionInfo) -> None:
        self.calls: list[CallSite] = []
        self.unknown: list[Mention] = []
        self._context = context
        self._wanted = function
        self._is_method = function.class_info is not None
        self._known = context.program.shared(_calls_by_place)

    def run(self) -> None:
        self.unknown += [Mention(path, 1, "perhaps named where nothing can be read") for path in self._context.unread]
        names = {self._wanted.name}
        done: set[str] = set()
        # an alias in one file may be imported from there under that name
        while names - done:
            name = min(names - done)
            done.add(name)
            pattern = re.compile(rb"\b" + re.escape(name.encode()) + rb"\b")
            for path, data in self._context.sources.items():
                if pattern.search(data):
                    names |= self._in_file(path, data, name)

    def _in_file(self, path: str, data: bytes, name: str) -> set[str]:
        """Notes every mention in a file; gives the other names the function has there."""
        try:
            parsed = self._context.trees.parsed(path, data)
        except SourceError as error:
            self.unknown.append(Mention(path, error.line, "named in a file that cannot be read"))
            return set()
        mentions, columns = self._context.trees.mentions(path, data), _Columns(parsed.text)
        binding = Bindings(self._context, path, mentions, self._wanted, name)
        parents = self._context.trees.parents(path, data)
        for node in mentions.loads.get(name, ()):
            self._mention(path, node, parents, columns, binding.is_ours(node, parents))
        for attribute in mentions.attributes.get(name, ()):
            if not is_route(attribute, parents):
                self._mention(path, attribute, parents, columns, binding.is_ours_through(attribute))
        for text in mentions.texts.get(name, ()):
            if may_name(self._context, path, text, parents, self._wanted, binding):
                self.unknown.append(Mention(path, text.lineno, "named in a text, perhaps to be replaced in a test"))
        for definition in mentions.functions.get(name, ()) if self._is_method else ():
            self._override(path, definition.lineno)
        return binding.aliases - {name}

    def _override(self, path: str, line: int) -> None:
        """Another method of that name in a class above or below: it has to look the same."""
        wanted = self._wanted
        for info in self._context.program.classes:
            method = info.methods.get(wanted.name)
            if method is None or method is wanted or (method.path, method.header[0]) != (path, line):
                continue
            if are_related(info, wanted.class_info):
                self.unknown.append(Mention(path, line, f"overridden or overrides in {info.name}"))

    def _mention(
        self, path: str, node: ast.expr, parents: dict[ast.AST, ast.AST], columns: _Columns, ours: bool | None
    ) -> None:
        parent = parents.get(node)
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        events = self._known.get((path, columns.span(call)), []) if call is not None else []
        called = {event.callee for event in events if event.callee is not None}
        if called and self._wanted not in called:
            return
        if not called and ours is False:
            return
        if call is None:
            if ours is None and self._is_method and not _may_be_value(parent):
                return
            self.unknown.append(Mention(path, node.lineno, "passed on without being called"))
        elif len(called) > 1:
            self.unknown.append(Mention(path, node.lineno, "one of several functions that may be called"))
        elif not called and ours is None:
            if fits(self._context, call, self._wanted):
                why = "perhaps what is called on an object that is not known"
                self.unknown.append(Mention(path, node.lineno, why))
        else:
            self._call(path, columns.span(call), events)

    def _call(self, path: str, span: Span4, events: list[Event]) -> None:
        node = self._context.source(path).node_at(span, cst.Call)
        event = next((event for event in events if event.callee is self._wanted), None)
        function = event.function if event else self._context.function_at(path, span[0], span[1])
        self.calls.append(CallSite(path, span, node, function, event))


def _may_be_value(parent: ast.AST | None) -> bool:
    return not isinstance(parent, ast.Attribute)


class _Columns:
    """Columns in characters for nodes of ``ast``, which counts bytes."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")

    def span(self, node: ast.expr) -> Span4:
        """The span of a node as facts have it."""
        end_line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (node.lineno, self._at(node.lineno, node.col_offset), end_line, self._at(end_line, end))

    def _at(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="replace")) + 1
