"""Expressions, annotations and parameters of a file's ``ast`` become the tuples of :mod:`sessionlint.facts.ir`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sessionlint.facts import callees
from sessionlint.facts.ir import (
    KIND_KWARGS,
    KIND_KWONLY,
    KIND_NORMAL,
    KIND_POSONLY,
    KIND_VARARGS,
    Expr,
    Span4,
    Stmt,
)
from sessionlint.facts.number_formats import AS_NUMBER, cuts_to, takes_numbers
from sessionlint.patterns import regex

#: The format of a number that is filled up with zeros.
_PADDED = regex(r"0\d+[dxX]")
_PERCENT_PADDED = regex(r"%0\d+[dxX]")
#: Stands among the names of functions that have such a field: numbered ids may be made there.
NUMBERS = "0d"
_CONSTANTS = (str, int, float, bool, type(None))
_OPERATORS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Mod": "%", "Div": "/", "BitOr": "|", "BitAnd": "&", "Eq": "==",
    "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Is": "is", "IsNot": "is not", "In": "in",
    "NotIn": "not in", "Not": "not", "USub": "-", "Invert": "~", "And": "and", "Or": "or",
}  # fmt: skip


def _wide(source: str) -> dict[int, str]:
    return {number: line for number, line in enumerate(source.split("\n"), 1) if not line.isascii()}


class Expressions:
    """One expression after the other; ``_nested`` tells functions of a module or class from inner ones."""

    def __init__(self, source: str) -> None:
        #: the lines in which a character is more than a byte, by number: the tree counts bytes
        self._wide = {} if source.isascii() else _wide(source)
        self._nested = False
        self._yields = False
        #: bounds of the type parameters around the current place
        self._bounds: dict[str, ast.expr] = {}
        self._names: set[str] = set()
        self._local = callees.LocalNames(None)
        #: assignments in an expression that happen before its statement
        self._first: list[Stmt] = []
        self._expressions: dict[type[ast.AST], Callable[[Any], Expr]] = {
            ast.Name: self._name, ast.Attribute: self._attribute, ast.Call: self._call,
            ast.Constant: self._constant, ast.JoinedStr: self._joined, ast.FormattedValue: self._formatted,
            ast.BinOp: self._binary, ast.BoolOp: self._bool, ast.Compare: self._compare, ast.UnaryOp: self._unary,
            ast.IfExp: self._conditional, ast.Tuple: self._tuple, ast.List: self._list, ast.Set: self._set,
            ast.Dict: self._dict, ast.Subscript: self._subscript,
 ast.Slice: self._slice, ast.Await: self._await, ast.Yield: self._yield,
            ast.YieldFrom: self._yield_from, ast.NamedExpr: self._walrus, ast.Lambda: self._lambda,
            ast.Starred: self._starred, ast.ListComp: self._comprehension, ast.SetComp: self._comprehension,
            ast.GeneratorExp: self._comprehension, ast.DictComp: self._comprehension,
        }  # fmt: skip

    # positions

    def _column(self, line: int, offset: int) -> int:
        text = self._wide.get(line)
        if text is None:
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1

    def span(self, node: Any) -> Span4:
        """1-based character span of a node."""
        line, end = node.lineno, node.end_lineno
        if line in self._wide or end in self._wide:
            return (line, self._column(line, node.col_offset), end, self._column(end, node.end_col_offset))
        return (line, node.col_offset + 1, end, node.end_col_offset + 1)

    # expressions

    def expr(self, node: ast.AST) -> Expr:
        """One expression."""
        lower = self._expressions.get(type(node))
        if lower is not None:
            return lower(node)
        return (
            "z",
            self.span(node),
            tuple(self.expr(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)),
        )

    def _optional(self, node: ast.AST | None) -> Expr | None:
        return None if node is None else self.expr(node)

    def _many(self, nodes: list[Any]) -> tuple[Expr, ...]:
        return tuple([self.expr(n) for n in nodes])

    def _name(self, node: ast.Name) -> Expr:
        self._names.add(node.id)
        return ("n", self.span(node), node.id)

    def _attribute(self, node: ast.Attribute) -> Expr:
        self._names.add(node.attr)
        return ("a", self.span(node), self.expr(node.value), node.attr)

    def _call(self, node: ast.Call) -> Expr:
        function = node.func
        if isinstance(function, ast.Lambda) and not (node.args or node.keywords or self._params(function.args)):
            return self.expr(function.body)
        given, named = callees.arguments(node)
        keywords = tuple([(k.arg, self.expr(k.value)) for k in named])
        self._names.update([k[0] for k in keywords if k[0]])
        if given and not named:
            self._names.update(callees.attributes_got(node))
        return ("c", self.span(node), self._callee(function), self._many(given), keywords)

    def _callee(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Name):
            meant = self._local.value(node.id)
            return self._at(meant, self.span(node)) if meant is not None else self._name(node)
        if isinstance(node, ast.Call):
            attribute = callees.named(node)
            if attribute is not None:
                return self._attribute(attribute)
        if isinstance(node, ast.NamedExpr) and callees.is_dotted(node.value):
            self._first.append(("=", self.span(node), (self.expr(node.target),), self.expr(node.value)))
            return self.expr(node.value)
        return self.expr(node)

    def _at(self, node: ast.expr, span: Span4) -> Expr:
        """A dotted name that stands at another place."""
        if isinstance(node, ast.Attribute):
            return ("a", span, self._at(node.value, span), node.attr)
        assert isinstance(node, ast.Name)
        return ("n", span, node.id)

    def _constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if isinstance(value, str):
            if "%0" in value and _PERCENT_PADDED.search(value):
                self._names.add(NUMBERS)
            if len(value) < 40 and value.isidentifier():
                self._names.add(value)
        elif isinstance(value, bytes):
            value = value.decode("latin-1")
        elif not isinstance(value, _CONSTANTS):
            value = 0 if isinstance(value, complex) else None
        return ("k", self.span(node), value)

    def _joined(self, node: ast.JoinedStr) -> Expr:
        return ("f", self.span(node), self._many(node.values))

    def _formatted(self, node: ast.FormattedValue) -> Expr:
        value = self.expr(node.value)
        spec = node.format_spec
        if not isinstance(spec, ast.JoinedStr) or len(spec.values) != 1 or not isinstance(spec.values[0], ast.Constant):
            return value
        # no other format says anything of what a field holds
        text = spec.values[0].value
        span = value[1]
        if cuts_to(text) is not None:
            return ("c", span, ("n", span, "format"), (value, ("k", span, text)), ())
        if not isinstance(text, str) or not _PADDED.fullmatch(text):
            return ("u", span, AS_NUMBER, value) if takes_numbers(text) else value
        self._names.add(NUMBERS)
        return ("c", span, ("n", span, "format"), (value, ("k", span, text)), ())

    def _binary(self, node: ast.BinOp) -> Expr:
        # A long chain a + b + c … nests to the left; walk it with a loop, not the stack.
        chain: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            chain.append(left)
            left = left.left
        result = self.expr(left)
        for link in reversed(chain):
            result = ("b", self.span(link), operator_of(link.op), result, self.expr(link.right))
        return result

    def _bool(self, node: ast.BoolOp) -> Expr:
        return ("o", self.span(node), operator_of(node.op), self._many(node.values))

    def _compare(self, node: ast.Compare) -> Expr:
        ops = tuple([operator_of(o) for o in node.ops])
        return ("x", self.span(node), self.expr(node.left), ops, self._many(node.comparators))

    def _unary(self, node: ast.UnaryOp) -> Expr:
        if (
            isinstance(node.op, ast.USub)
            and isinstance(node.operand, ast.Constant)
            and isinstance(node.operand.value, int)
        ):
            return ("k", self.span(node), -node.operand.value)
        return ("u", self.span(node), operator_of(node.op), self.expr(node.operand))

    def _conditional(self, node: ast.IfExp) -> Expr:
        return ("q", self.span(node), self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def _tuple(self, node: ast.Tuple) -> Expr:
        return ("t", self.span(node), self._many(node.elts))

    def _list(self, node: ast.List) -> Expr:
        return ("l", self.span(node), self._many(node.elts))

    def _set(self, node: ast.Set) -> Expr:
        return ("e", self.span(node), self._many(node.elts))

    def _dict(self, node: ast.Dict) -> Expr:
        return ("d", self.span(node), tuple([self._optional(k) for k in node.keys]), self._many(node.values))

    def _subscript(self, node: ast.Subscript) -> Expr:
        return ("i", self.span(node), self.expr(node.value), self.expr(node.slice))

    def _slice(self, node: ast.Slice) -> Expr:
        return ("sl", self.span(node), tuple([self._optional(n) for n in (node.lower, node.upper, node.step)]))

    def _await(self, node: ast.Await) -> Expr:
        return ("aw", self.span(node), self.expr(node.value))

    def _yield(self, node: ast.Yield) -> Expr:
        self._yields = True
        return ("y", self.span(node), self._optional(node.value))

    def _yield_from(self, node: ast.YieldFrom) -> Expr:
        self._yields = True
        return ("yf", self.span(node), self.expr(node.value))

    def _walrus(self, node: ast.NamedExpr) -> Expr:
        return ("w", self.span(node), self.expr(node.target), self.expr(node.value))

    def _starred(self, node: ast.Starred) -> Expr:
        return ("*", self.span(node), self.expr(node.value))

    def _comprehension(self, node: Any) -> Expr:
        elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        generators = tuple([(self.expr(g.target), self.expr(g.iter), self._many(g.ifs)) for g in node.generators])
        return ("g", self.span(node), type(node).__name__, tuple([self.expr(e) for e in elements]), generators)

    def _lambda(self, node: ast.Lambda) -> Expr:
        outer = (self._nested, self._yields)
        self._nested, self._yields = True, False
        body: tuple[Stmt, ...] = (("R", self.span(node.body), self.expr(node.body)),)
        self._nested, self._yields = outer
        span = self.span(node)
        return ("lam", span, ("<lambda>", span, span, self._params(node.args), body, (), None, 0, ""))

    # annotations: a string is code

    def _annotation(self, node: ast.expr | None) -> Expr | None:
        if node is None:
            return None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._string_annotation(node)
        if isinstance(node, ast.Subscript):
            head = self.expr(node.value)
            index = node.slice
            if head[-1] == "Literal":
                return ("i", self.span(node), head, self.expr(index))
            if head[-1] == "Annotated" and isinstance(index, ast.Tuple) and index.elts:
                first = self._annotation(index.elts[0])
                rest = [self.expr(e) for e in index.elts[1:]]
                return ("i", self.span(node), head, ("t", self.span(index), (first, *rest)))
            if isinstance(index, ast.Tuple):
                inner: Expr = ("t", self.span(index), tuple([self._annotation(e) for e in index.elts]))
            else:
                inner = self._annotation(index) or ("k", self.span(node), None)
            return ("i", self.span(node), head, inner)
        if isinstance(node, ast.Name) and node.id in self._bounds:
            return self.expr(self._bounds[node.id])
        if isinstance(node, ast.BinOp):
            left, right = self._annotation(node.left), self._annotation(node.right)
            return ("b", self.span(node), operator_of(node.op), left, right)
        return self.expr(node)

    def _string_annotation(self, node: ast.Constant) -> Expr:
        try:
            inner = ast.parse(str(node.value).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ("k", self.span(node), None)
        for child in ast.walk(inner):
            if hasattr(child, "lineno"):
                ast.copy_location(child, node)
        return self._annotation(inner) or ("k", self.span(node), None)

    # parameters

    def _params(self, args: ast.arguments) -> tuple[Any, ...]:
        out: list[Any] = []
        positional = [(a, KIND_POSONLY) for a in args.posonlyargs] + [(a, KIND_NORMAL) for a in args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        for (arg, kind), default in zip(positional, defaults, strict=True):
            out.append(self._param(arg, kind, default))
        if args.vararg:
            out.append(self._param(args.vararg, KIND_VARARGS, None))
        for arg, kw_default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            out.append(self._param(arg, KIND_KWONLY, kw_default))
        if args.kwarg:
            out.append(self._param(args.kwarg, KIND_KWARGS, None))
        return tuple(out)

    def _param(self, arg: ast.arg, kind: int, default: ast.expr | None) -> tuple[Any, ...]:
        self._names.add(arg.arg)
        return (kind, arg.arg, self._annotation(arg.annotation), self._optional(default), self.span(arg))


def operator_of(node: ast.AST) -> str:
    """An operator as it is written, or by its name in the tree."""
    name = type(node).__name__
    return _OPERATORS.get(name, name)
