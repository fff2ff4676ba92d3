"""Syntax newer than the running Python, read by rewriting it in place.

Each construct is replaced by older syntax of the same length (in UTF-8 bytes, as trees count), so that every
name that is kept stays at its line and column; afterwards the tree is mended to say what the source said:

=============================  ============================  =======================================
source                         parsed instead                mended to
=============================  ============================  =======================================
``except A, B:``               ``except A< B:``              a tuple of ``A`` and ``B``
``def f[T: B](x):``            ``def f(      x):``           the bounds of type parameters (all else is dropped)
``class A[T]:``                ``class A( ):``               the same
``type X[T] = v``              ``X   [0] = v``               an assignment to ``X``
``f"a{b["c"]}"``               ``(    b["c"],)``             an f-string of ``a`` and ``b["c"]``
``t"a{b}"``                    ``f"a{b}"``                   (nothing)
=============================  ============================  =======================================

F-strings that older Pythons read are left alone. Strings that stand side by side are one f-string.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from typing import Final

from sessionlint.facts.fstrings import Field, Part, UnreadableError
from sessionlint.facts.modern import Bounds, ExceptGroup, Group, Repair, TypeAlias, rewrite


def parse(text: str, path: str, error: SyntaxError) -> ast.Module:
    """The tree of ``text``, which the running Python refused with ``error``.

    Raises ``error`` itself when nothing newer is in the text or the fault lies elsewhere, and otherwise the
    error that remains after rewriting.
    """
    try:
        rewritten = rewrite(text)
    except UnreadableError:
        raise error from None
    if rewritten.text == text:
        raise error
    mending = _Mending(text, rewritten.repairs)
    try:
        tree = ast.parse(rewritten.text, path)
        mending.mend(tree)
    except _NotFoundError:
        raise error from None
    except SyntaxError as remaining:
        line = error.lineno or 0
        newer = any(mending.line(start) <= line <= mending.line(end) for start, end in rewritten.changed)
        raise (remaining if newer else error) from None
    return tree


class _NotFoundError(Exception):
    """A rewritten construct is not where it was put: the text was no Python to begin with."""


_SKIPPED: Final = frozenset({ast.Load, ast.Store, ast.Del})


class _Mending:
    """Puts back into a tree what the rewriting took out; visits only statements that hold a repair."""

    def __init__(self, text: str, repairs: list[Repair]) -> None:
        self._lines = None if text.isascii() else text.split("\n")
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._repairs = {self._position(repair.start): repair for repair in repairs}
        self._on = sorted({line for line, _ in self._repairs})

    def mend(self, tree: ast.Module) -> None:
        """Apply every repair, or raise :class:`_NotFoundError`."""
        if self._repairs:
            self._children(tree)
        if self._repairs:
            raise _NotFoundError

    def line(self, offset: int) -> int:
        """The line of a character offset, from 1."""
        return bisect_right(self._starts, offset)

    def _position(self, offset: int) -> tuple[int, int]:
        """Line and byte column, as trees count, of a character offset."""
        line = self.line(offset)
        column = offset - self._starts[line - 1]
        if self._lines is not None:
            column = len(self._lines[line - 1][:column].encode("utf-8", "surrogatepass"))
        return line, column

    def _children(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        value[index] = self._visit(item)
            elif isinstance(value, ast.AST) and type(value) not in _SKIPPED:
                setattr(node, name, self._visit(value))

    def _visit(self, node: ast.AST) -> ast.AST:
        line = getattr(node, "lineno", 0)
        if line:
            decorators = getattr(node, "decorator_list", None)
            first = bisect_left(self._on, decorators[0].lineno if decorators else line)
            if first == len(self._on) or self._on[first] > (getattr(node, "end_lineno", 0) or line):
                return node
        # Children first: an unparenthesised tuple starts where its first element does.
        self._children(node)
        return self._mended(node, (line, getattr(node, "col_offset", 0))) if line else node

    def _mended(self, node: ast.AST, position: tuple[int, int]) -> ast.AST:
        repair = self._repairs.get(position)
        if isinstance(repair, Group) and isinstance(node, ast.Tuple):
            node = _joined(node, repair)
        elif isinstance(repair, ExceptGroup) and isinstance(node, ast.ExceptHandler):
            node.type = _tuple_of(node.type, repair)
        elif isinstance(repair, TypeAlias) and isinstance(node, ast.Assign):
            node.targets = [self._alias_name(node.targets[0], repair)]
        elif isinstance(repair, Bounds) and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            # a list of parameters reads the same, and Python before 3.12 knows no other
            vars(node)["type_params"] = _bounded(repair.text, node)
        else:
            return node
        del self._repairs[position]
        return node

    def _alias_name(self, target: ast.expr, repair: TypeAlias) -> ast.expr:
        name = target.value if isinstance(target, ast.Subscript) else target
        if not isinstance(name, ast.Name):
            raise _NotFoundError
        _, column = self._position(repair.name)
        moved = column - name.col_offset
        store = ast.Name(name.id, ast.Store())
        return ast.copy_location(store, name) if not moved else _at(store, name, moved)


def _bounded(text: str, definition: ast.AST) -> list[ast.arg]:
    """The type parameters in ``text`` as parameters, the bound their annotation; none when they do not read as such."""
    try:
        (function,) = ast.parse(f"def f({text}\n): ...").body
    except SyntaxError:
        return []
    for child in ast.walk(function):
        ast.copy_location(child, definition)
    return function.args.args if isinstance(function, ast.FunctionDef) else []


def _at(node: ast.Name, old: ast.Name, moved: int) -> ast.Name:
    node.lineno = old.lineno
    node.end_lineno = old.end_lineno
    node.col_offset = old.col_offset + moved
    node.end_col_offset = (old.end_col_offset or 0) + moved
    return node


def _tuple_of(caught: ast.expr | None, repair: ExceptGroup) -> ast.expr:
    if repair.count == 1 and caught is not None:
        return ast.copy_location(ast.Tuple([caught], ast.Load()), caught)
    if not isinstance(caught, ast.Compare) or len(caught.comparators) != repair.count - 1:
        raise _NotFoundError
    return ast.copy_location(ast.Tuple([caught.left, *caught.comparators], ast.Load()), caught)


def _joined(node: ast.Tuple, group: Group) -> ast.JoinedStr:
    elements = list(reversed(node.elts))
    joined = _joined_parts(group.parts, elements, node)
    if elements:
        raise _NotFoundError
    return joined


def _joined_parts(parts: tuple[Part, ...], elements: list[ast.expr], whole: ast.Tuple) -> ast.JoinedStr:
    """An f-string at the place of ``whole``; takes its expressions from the end of ``elements``."""
    values: list[ast.expr] = []
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        literal += part.echo
        if literal:
            values.append(ast.copy_location(ast.Constant(literal), whole))
            literal = ""
        values.append(_formatted(part, elements, whole))
    if literal:
        values.append(ast.copy_location(ast.Constant(literal), whole))
    return ast.copy_location(ast.JoinedStr(values), whole)


def _formatted(part: Field, elements: list[ast.expr], whole: ast.Tuple) -> ast.FormattedValue:
    if len(elements) < part.elements:
        raise _NotFoundError
    taken = [elements.pop() for _ in range(part.elements)]
    value = taken[0]
    if part.is_tuple:
        value = ast.Tuple(taken, ast.Load())
        ast.copy_location(value, taken[0])
        value.end_lineno, value.end_col_offset = taken[-1].end_lineno, taken[-1].end_col_offset
    spec = None if part.spec is None else _joined_parts(part.spec, elements, whole)
    return ast.copy_location(ast.FormattedValue(value, part.conversion, spec), whole)
