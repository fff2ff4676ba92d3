"""Tenant parameters taken out of every function and call that they pass through."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import libcst as cst

from sessionlint.facts import ir
from sessionlint.fixes.background_starts import given, is_start, starts_of
from sessionlint.fixes.callers import Mention
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import argument, remove_parameter
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_erasing import Erasing
from sessionlint.fixes.tenancy_functions import conditions_of, erase
from sessionlint.fixes.tenancy_sql import SqlMove, literals, move
from sessionlint.fixes.tenancy_values import Values, converts
from sessionlint.fixes.tenancy_words import docstring, without_parameter
from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.tenancy import mentions_tenant, tenant_parameters

#: Roles of functions that may know tenants.
BEYOND = frozenset({"auth", "test", "migration", "session"})
_LOOKING_UP = regex(r"attr|method|patch|object|import|resolve|lookup|task|job", re.I)


@dataclass
class Removal:
    """Parameters that go together, and the functions that call theirs."""

    context: Context
    gone: dict[FunctionInfo, list[str]] = field(default_factory=dict)
    arguments: dict[tuple[str, Function | None], list[cst.Arg]] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    touched: set[cst.CSTNode] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    title: str = ""

    def proposal(self, finding: Finding) -> Proposal:
        """The removal as the answer to one of its findings."""
        return Proposal(finding, self.title, "unsafe", self.changes)

    def run(self, wanted: list[tuple[FunctionInfo, str]]) -> None:
        """Follows the parameters to everything they are passed on to. Refuses when one of them has to stay."""
        function, name = wanted[0]
        shown = function.class_info.name if function.name == "__init__" and function.class_info else function.name
        self.title = f"Remove {name} from {shown}() and from its calls"
        pending = list(wanted)
        while pending:
            function, name = pending.pop()
            if name in self.gone.setdefault(function, []):
                continue
            self.gone[function].append(name)
            self._calls(function, name)
            pending += self._passed_on(function)
        edit = self.context.edit()
        nodes = {self.context.node_of(function): function for function in self.gone}
        places = {*((function.path, node) for node, function in nodes.items()), *self.arguments}
        for path, node in sorted(places, key=lambda place: (place[0], self._line(*place))):
            self._in_function(edit, path, node, nodes.get(node) if node is not None else None)
        self.changes = edit.changes()

    def _line(self, path: str, node: Function | None) -> int:
        return self.context.source(path).line(node) if node is not None else 0

    def _calls(self, function: FunctionInfo, name: str) -> None:
        shown, place = f"{function.name}()", (function.path, function.header[0])
        if function.registrations:
            refuse(f"{shown} is called by its queue or framework, which may still send {name}", *place)
        for route in function.routes:
            if route.path is None or re.search(rf"\{{{name}\W", route.path):
                refuse(f"the path of the route names {name}, or is made elsewhere", *place)
        if function.routes:
            _check_prefixes(self.context, name)
        for decorator in (a.info for _, value in function.decorator_values for a in value if a.tag == "fn"):
            written = self.context.source(decorator.path).code(self.context.node_of(decorator))
            if mentions_tenant(self.context.program, written):
                refuse(f"a decorator of {shown} may use {name}", decorator.path, decorator.header[0])
        callers = self.context.callers(function)
        names = [p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
        bound = function.class_info is not None and not function.is_staticmethod
        position = names.index(name) - bound if name in names else None
        starts = starts_of(self.context, function)
        for start in starts:
            argument_there = given(self.context, start, function, name)
            if argument_there is not None:
                self._goes(start.path, argument_there)
        for mention in callers.unknown:
            if is_start(starts, mention):
                continue
            if not self._leaves_out(mention, function.name, name, position):
                refuse(f"{shown} is {mention.why}", mention.path, mention.line)
        for call in callers.calls:
            try:
                argument_there = argument(call.node, name, position)
            except CannotFixError as error:
                refuse(error.reason, call.path, call.line)
            if argument_there is not None:
                self._goes(call.path, argument_there)

    def _goes(self, path: str, one: cst.Arg) -> None:
        listed = self.arguments.setdefault((path, self.context.source(path).function(one)), [])
        if one not in listed:
            listed.append(one)

    def _leaves_out(self, mention: Mention, called: str, name: str, position: int | None) -> bool:
        """Whether a call that may be one of the function does not give the parameter, so that it may stay as it is."""
        if mention.why.startswith("named in a text"):
            return self._is_a_word(mention, called)
        if not mention.why.startswith("perhaps"):
            return False
        calls = [
            node
            for node in ast.walk(self.context.tree(mention.path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == called
        ]
        return all(
            not any(keyword.arg in (name, None) for keyword in call.keywords)
            and not any(isinstance(arg, ast.Starred) for arg in call.args)
            and (position is None or len(call.args) <= position)
            for call in calls
            if mention.line in (call.lineno, call.func.lineno, call.func.end_lineno)
        )

    def _is_a_word(self, mention: Mention, called: str) -> bool:
        """Whether a text is the function's name by chance: no test's, and nothing looks up an attribute by it."""
        if self.context.policy.layer_of(mention.path) == "test":
            return False
        parents = self.context.trees.parents(mention.path, self.context.sources[mention.path])
        for node in ast.walk(self.context.tree(mention.path)):
            if isinstance(node, ast.Constant) and node.lineno == mention.line and isinstance(node.value, str):
                holder = parents.get(node)
                named = ast.unparse(holder.func).rpartition(".")[2] if isinstance(holder, ast.Call) else ""
                if node.value.endswith(f".{called}") or (node.value == called and _LOOKING_UP.search(named)):
                    return False
        return True

    def _passed_on(self, function: FunctionInfo) -> Iterator[tuple[FunctionInfo, str]]:
        """The tenant parameters of other functions that this one hands its tenant to."""
        program = self.context.program
        for event in function.events:
            callee = event.callee
            if event.kind != "call" or callee is None or program.role(callee) in BEYOND or converts(program, callee):
                continue
            for parameter in tenant_parameters(program, callee):
                if self._gives(event.span, function.path, callee, parameter[0]):
                    yield callee, parameter[0]

    def _gives(self, span: ir.Span4, path: str, callee: FunctionInfo, name: str) -> bool:
        source = self.context.source(path)
        call = source.node_at(span, cst.Call)
        names = [p[0] for p in callee.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
        bound = callee.class_info is not None and not callee.is_staticmethod
        passed = argument(call, name, names.index(name) - bound if name in names else None)
        return passed is not None and any(
            isinstance(n, cst.Name) and mentions_tenant(self.context.program, n.value)
            for n in source.walk(passed.value)
        )

    def _in_function(self, edit: Edit, path: str, node: Function | None, function: FunctionInfo | None) -> None:
        source = self.context.source(path)
        arguments = self.arguments.get((path, node), [])
        values = Values(self.context, source, node, set(), (), set())
        for one in arguments:
            if not values.is_plain(one.value):
                refuse(f"the argument {source.code(one.value)} does more than give a value", path, source.line(one))
        if function is None or node is None:
            erase(self.context, edit, source, node, [], [], arguments)
            return
        names = self.gone[function]
        texts, reason = self._texts(source, node, names)
        entries = [entry for text in texts for entry in text.entries]
        erasing = Erasing(
            self.context, source, node, names,
            conditions=list(conditions_of(self.context, source, node)), arguments=arguments, entries=entries,
            always_given=not any(p[0] in names and p[3] is not None for p in function.params) or bool(function.routes),
        )  # fmt: skip
        try:
            erasing.decide()
        except CannotFixError as error:
            if reason is not None and "kept" in error.reason:
                raise reason from error
            raise
        erasing.emit(edit)
        self.touched |= erasing.conditions
        for text in texts:
            self.texts.add(f"{path}:{source.line(text.literal)}")
            text.emit(edit)
        for name in names:
            remove_parameter(edit, path, node, name)
            written = docstring(node)
            if written is not None:
                self._describe(edit, path, written, name)

    def _describe(self, edit: Edit, path: str, written: cst.SimpleString, name: str) -> None:
        edit.change(path, written, lambda old: old.with_changes(value=without_parameter(old.value, name)))

    def _texts(self, source: Source, node: Function, names: list[str]) -> tuple[list[SqlMove], CannotFixError | None]:
        found: list[SqlMove] = []
        reason: CannotFixError | None = None
        for literal in literals(self.context.program, source, node):
            try:
                found.append(move(self.context.policy, source, node, literal))
            except CannotFixError as error:
                reason = error
        return found, reason


def _check_prefixes(context: Context, name: str) -> None:
    """Refuses when a prefix of routes names the parameter, whichever router has it."""
    prefix = re.compile(rf"prefix\s*=[^,)\n]*\{{{name}\W".encode())
    for path, data in context.sources.items():
        if found := prefix.search(data):
            refuse(f"a prefix of routes names {name}", path, data[: found.start()].count(b"\n") + 1)


_known: WeakKeyDictionary[Context, dict[tuple[FunctionInfo, str], Removal | CannotFixError]] = WeakKeyDictionary()


def removal_of(context: Context, wanted: list[tuple[FunctionInfo, str]]) -> Removal:
    """The removal of parameters, worked out once however many findings ask for it."""
    known = _known.setdefault(context, {})
    key = wanted[0]
    if key not in known:
        removal = Removal(context)
        try:
            removal.run(wanted)
            known[key] = removal
        except CannotFixError as error:
            known[key] = error
    found = known[key]
    if isinstance(found, CannotFixError):
        raise found
    return found
