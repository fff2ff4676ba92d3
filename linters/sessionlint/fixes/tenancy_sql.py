"""Tenant conditions taken out of SQL text, with the values bound to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import remove_argument
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_conditions import in_place_of, loads, names, stores
from sessionlint.patterns import regex
from sessionlint.policy_model import Policy
from sessionlint.program.api import Program
from sessionlint.rules.tenancy import sql_predicate

_EXECUTING = frozenset({"execute", "exec", "scalar", "scalars", "stream", "stream_scalars", "fetch_all", "fetch_one"})
_NEXT = (
    r"(?=\s*(?:$|\)|;|[\"']|\bon\s+conflict\b"
    r"|\b(?:and|group|order|having|limit|offset|fetch|returning|for|union|window)\b))"
)
_ENDS = regex(
    r"\b(?:where|on|having|group\s+by|order\s+by|limit|offset|returning|union|set|select|from|join|values)\b", re.I
)
_WRITES = regex(r"\b(?:update|delete\s+from)\b", re.I)


Literal = cst.SimpleString | cst.FormattedStringText


@dataclass
class SqlMove:
    """One literal and its text without the condition; ``bind`` is the bind parameter that goes, where it went in.

    ``entries`` give it its value: parts of dictionaries, targets of ``values["x"] = …``; ``arguments`` of calls.
    """

    source: Source
    literal: Literal
    text: str
    bind: str = ""
    entries: list[cst.CSTNode] = field(default_factory=list)
    arguments: list[cst.Arg] = field(default_factory=list)

    def emit(self, edit: Edit) -> None:
        """Makes the moves, but for the entries, which are the caller's."""
        text = self.text
        edit.change(self.source.path, self.literal, lambda old: old.with_changes(value=text))
        for argument in self.arguments:
            call = self.source.parents[argument]
            assert isinstance(call, cst.Call)
            if len(call.args) == 1 and isinstance(call.func, cst.Attribute):
                edit.change(self.source.path, call, lambda old: in_place_of(old, old.func.value))
            else:
                remove_argument(edit, self.source.path, call, argument)


def literals(program: Program, source: Source, scope: cst.CSTNode) -> Iterator[Literal]:
    """The string literals below ``scope`` with a tenant condition of SQL in them, docstrings left out."""
    for node in source.walk(scope):
        if isinstance(node, cst.SimpleString | cst.FormattedStringText) and sql_predicate(program, _inside(node.value)):
            holder = source.parents[node]
            if not isinstance(holder, cst.Expr):
                yield node


def _inside(text: str) -> str:
    return text.strip("rbuRBU").strip("\"'")


def move(policy: Policy, source: Source, function: Function | None, literal: Literal) -> SqlMove:
    """The literal without its tenant condition. Refuses where the rest of the text would mean something else."""
    scope: cst.CSTNode = function or source.module
    found = _Condition(policy, source, literal, is_whole=_is_whole(source, scope, literal))
    made = SqlMove(source, literal, found.without(), found.bind)
    if found.bind and not re.search(rf"(?<!:):{found.bind}\b", made.text):
        _find_values(source, scope, made)
    return made


class _Condition:
    def __init__(self, policy: Policy, source: Source, literal: Literal, *, is_whole: bool) -> None:
        self._source, self._literal, self._is_whole = source, literal, is_whole
        self._text: str = literal.value
        columns = "|".join(re.escape(name) for name in policy.tenant_names)
        column = rf"(?:\w+\.|\"\w+\"\.)*\"?(?:{columns})\"?(?:\s*::\s*\w+)?"
        plain = r"(?P<any>any\s*\(\s*)?:(?P<plain>\w+)(?(any)\s*\)|)(?:\s*::\s*\w+(?:\[\])?)?"
        value = rf"(?:cast\s*\(\s*:(?P<cast>\w+)\s+as\s+\w+\s*\)|{plain})"
        self._condition = re.compile(rf"(?<![\w.:\"]){column}\s*(?:=|\bin\b)\s*{value}{_NEXT}", re.I)
        every = list(self._condition.finditer(self._text))
        if len(every) != 1:
            self._refuse("the condition is not of the form tenant_id = :name, once in this text")
        self._found = every[0]
        self.bind: str = self._found.group("cast") or self._found.group("plain")

    def without(self) -> str:
        """The text without the condition."""
        before, after = self._text[: self._found.start()], self._text[self._found.end() :]
        self._check_level(before, after)
        follows = re.match(r"\s*and\b\s*", after, re.I)
        if follows:
            return before + after[follows.end() :]
        joined = re.search(r"\s*\band\s+$", before, re.I)
        if joined:
            return before[: joined.start()] + after
        alone = re.search(r"\s*\bwhere\s+$", before, re.I)
        if alone is None:
            self._refuse("the condition stands alone in ON, HAVING or a part of the text")
            return ""
        if _WRITES.search(before):
            self._refuse("without the condition, the statement would reach every row")
        if not self._is_whole:
            return f"{before}TRUE{after}"
        return before[: alone.start()] + after

    def _check_level(self, before: str, after: str) -> None:
        """Refuses when an OR or a NOT stands beside the condition, or an ON may be that of an outer join."""
        left, right = _level(before[::-1], ")", "(")[::-1], _level(after, "(", ")")
        starts = [found.end() for found in _ENDS.finditer(left)]
        clause = left[starts[-1] :] if starts else left
        ends = _ENDS.search(right)
        rest = right[: ends.start()] if ends else right
        if re.search(r"\bor\b|\bcase\b|\bbetween\b", f"{clause} {rest}", re.I):
            self._refuse("an OR stands beside the condition")
        if re.search(r"\bnot\s*$", clause, re.I) or re.search(r"\bnot\s*\(?\s*$", before, re.I):
            self._refuse("the condition is negated")
        if "--" in clause or "/*" in clause:
            self._refuse("a comment stands beside the condition")

    def _refuse(self, reason: str) -> None:
        refuse(reason, self._source.path, self._source.line(self._literal))


def _level(text: str, opens: str, closes: str) -> str:
    """``text`` up to the parenthesis that ends its level, without what is in inner ones."""
    depth, kept = 0, []
    for character in text:
        depth += (character == opens) - (character == closes)
        if depth < 0:
            break
        if depth == 0:
            kept.append(character)
    return "".join(kept)


def _is_whole(source: Source, scope: cst.CSTNode, literal: cst.CSTNode) -> bool:
    """Whether nothing is put in front of or behind the literal."""
    node: cst.CSTNode = literal
    while True:
        parent = source.parents[node]
        if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            target = parent.targets[0].target
            if not isinstance(target, cst.Name) or len(list(stores(source, scope, target.value))) != 1:
                return False
            return all(
                isinstance(source.parents[use], cst.Arg | cst.Attribute) for use in loads(source, scope, target.value)
            )
        if isinstance(parent, cst.Arg):
            call = source.parents[parent]
            return isinstance(call, cst.Call) and _called(call) in {"text", *_EXECUTING}
        if not isinstance(parent, cst.FormattedString) or parent.parts[-1] is not node:
            return False
        node = parent


def _called(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _find_values(source: Source, scope: cst.CSTNode, made: SqlMove) -> None:
    """Where the bind parameter gets its value from."""
    held = _holders(source, scope, made.literal)
    given: list[cst.Arg] = []
    for call in (node for node in source.walk(scope) if isinstance(node, cst.Call)):
        if _called(call) == "bindparams" and _mentions(source, call, made.literal, held):
            made.arguments += [arg for arg in call.args if arg.keyword is not None and arg.keyword.value == made.bind]
        if _called(call) not in _EXECUTING or not call.args or not _mentions(source, call.args[0], made.literal, held):
            continue
        for arg in call.args[1:]:
            if arg.keyword is None or arg.keyword.value in ("params", "parameters"):
                given.append(arg)
    for arg in given:
        made.entries += _entries(source, scope, arg.value, made.bind, given)


def _holders(source: Source, scope: cst.CSTNode, literal: cst.CSTNode) -> set[str]:
    """The variables that hold the text, or the statement made of it."""
    held: set[str] = set()
    while True:
        known = len(held)
        for node in source.walk(scope):
            if not isinstance(node, cst.Assign | cst.AugAssign | cst.AnnAssign) or node.value is None:
                continue
            targets = [t.target for t in node.targets] if isinstance(node, cst.Assign) else [node.target]
            if _mentions(source, node.value, literal, held):
                held |= {target.value for target in targets if isinstance(target, cst.Name)}
        if len(held) == known:
            return held


def _mentions(source: Source, node: cst.CSTNode, literal: cst.CSTNode, held: set[str]) -> bool:
    parts = list(source.walk(node))
    if any(isinstance(part, cst.Call) and _called(part) in _EXECUTING for part in parts[1:]):
        return False
    return any(part is literal or (isinstance(part, cst.Name) and part.value in held) for part in parts)


def _entries(
    source: Source, scope: cst.CSTNode, value: cst.BaseExpression, bind: str, given: list[cst.Arg]
) -> Iterator[cst.CSTNode]:
    """The parts of a dictionary of parameters that are about ``bind``, where nothing else reads the dictionary."""
    if isinstance(value, cst.Dict):
        yield from (e for e in value.elements if isinstance(e, cst.DictElement) and _is_key(e.key, bind))
        return
    if not isinstance(value, cst.Name):
        return
    mentions = list(names(source, scope, value.value))
    if any(isinstance(source.parents[m], cst.Arg) and source.parents[m] not in given for m in mentions):
        return
    for mention in mentions:
        parent = source.parents[mention]
        if isinstance(parent, cst.AssignTarget):
            line = source.parents[parent]
            made = line.value if isinstance(line, cst.Assign) else None
            if isinstance(made, cst.Dict):
                yield from _entries(source, scope, made, bind, given)
        elif isinstance(parent, cst.Subscript) and parent.value is mention:
            index = parent.slice[0].slice
            if (
                isinstance(source.parents[parent], cst.AssignTarget)
                and isinstance(index, cst.Index)
                and _is_key(index.value, bind)
            ):
                yield parent


def _is_key(node: cst.BaseExpression, bind: str) -> bool:
    return isinstance(node, cst.SimpleString) and node.raw_value == bind
