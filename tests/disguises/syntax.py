"""What the disguises ask of syntax trees: scopes, names, statements in their blocks."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tests.disguises.project import Project
from tests.disguises.trees import children, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
N = TypeVar("N", bound=ast.AST)
#: Code with these reads or changes the scope it stands in.
_SCOPE_BOUND = {"super", "locals", "vars", "globals", "__class__"}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a statement stands: its file, the top-level statement it belongs to, the functions around it."""

    project: Project
    path: str
    tree: ast.Module
    top: ast.stmt
    functions: tuple[Function, ...]
    in_class: bool

    @property
    def function(self) -> Function | None:
        """The innermost function."""
        return self.functions[-1] if self.functions else None

    @property
    def is_async(self) -> bool:
        """Whether ``await`` may stand here."""
        return isinstance(self.function, ast.AsyncFunctionDef)

    def locals(self) -> set[str]:
        """Names that belong to the functions around."""
        return {name for function in self.functions for name in local_names(function)}

    def before(self, *statements: ast.stmt) -> None:
        """Puts statements in front of the top-level statement."""
        at = self.tree.body.index(self.top)
        self.tree.body[at:at] = statements

    def require(self, module: str) -> None:
        """Imports a module of the standard library at the top of the file."""
        require(self.tree, module)


Rewrite = Callable[[ast.stmt, Where], list[ast.stmt] | None]


def parse(text: str) -> list[ast.stmt]:
    """The statements of a text, as nodes without a place in the example."""
    return ast.parse(text).body


def expression(text: str) -> ast.expr:
    """One expression of a text."""
    return ast.parse(text, mode="eval").body


def name(of: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(of, ast.Load())


def clone(node: N) -> N:
    """A copy that remembers its place."""
    return copy.deepcopy(node)


def require(tree: ast.Module, module: str) -> None:
    """``import module`` at the top, once."""
    known = (s for s in tree.body if isinstance(s, ast.Import))
    if not any(a.name == module and a.asname is None for s in known for a in s.names):
        tree.body.insert(header_end(tree), ast.Import([ast.alias(module)]))


def header_end(tree: ast.Module) -> int:
    """The index after the docstring and the imports from ``__future__``."""
    at = 0
    for index, statement in enumerate(tree.body):
        is_docstring = index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if is_docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            at = index + 1
    return at


def rewrite_statements(project: Project, rewrite: Rewrite, inside_class: bool = False) -> bool:
    """Offers every statement of the example, inner ones first; whether any was replaced."""
    changed = False
    for path, tree in list(project.trees.items()):
        for top in list(tree.body):
            new = _rewritten(top, Where(project, path, tree, top, (), False), rewrite, inside_class)
            if new is not None:
                at = tree.body.index(top)
                tree.body[at : at + 1] = new
                changed = True
        changed = changed or getattr(tree, "touched", False)
    return changed


def _rewritten(statement: ast.stmt, where: Where, rewrite: Rewrite, inside_class: bool) -> list[ast.stmt] | None:
    inner = where
    if isinstance(statement, Function):
        inner = Where(where.project, where.path, where.tree, where.top, (*where.functions, statement), False)
    elif isinstance(statement, ast.ClassDef):
        inner = Where(where.project, where.path, where.tree, where.top, where.functions, True)
    for block in blocks_of(statement):
        for child in list(block):
            new = _rewritten(child, inner, rewrite, inside_class)
            if new is not None:
                at = block.index(child)
                block[at : at + 1] = new
                where.tree.touched = True  # type: ignore[attr-defined]
    if where.in_class and not inside_class:
        return None
    return rewrite(statement, where)


def blocks_of(statement: ast.AST) -> list[list[ast.stmt]]:
    """The lists of statements directly inside a statement."""
    found = [getattr(statement, key, None) for key in ("body", "orelse", "finalbody")]
    blocks = [b for b in found if isinstance(b, list) and b]
    for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        blocks.append(clause.body)
    return blocks


def walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, without the inside of functions and classes defined there."""
    yield node
    for child in children(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield child
        else:
            yield from walk_scope(child)


def arguments_of(function: Function | ast.Lambda) -> list[ast.arg]:
    """All parameters, in order."""
    a = function.args
    return [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]


def local_names(function: Function) -> set[str]:
    """Parameters and names assigned in a function (not in the functions inside it)."""
    names = {a.arg for a in arguments_of(function)}
    outer: set[str] = set()
    for statement in function.body:
        for node in walk_scope(statement):
            names |= stored(node)
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                outer.update(node.names)
    return names - outer


def stored(node: ast.AST) -> set[str]:
    """The names one node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.ExceptHandler) and node.name:
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {a.asname or a.name.partition(".")[0] for a in node.names}
    if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        return {node.name}
    if isinstance(node, ast.MatchMapping) and node.rest:
        return {node.rest}
    return set()


def loads(node: ast.AST) -> list[str]:
    """Names read in a node, in order, once each."""
    return list(dict.fromkeys(n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)))


def has(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    """Whether such a node is inside, not counting the inside of functions."""
    return any(isinstance(n, kinds) for n in walk_scope(node))


def portable(node: ast.AST) -> bool:
    """Whether an expression means the same in a function of its own."""
    if has(node, ast.Yield, ast.YieldFrom, ast.NamedExpr):
        return False
    return not any(isinstance(n, ast.Name) and n.id in _SCOPE_BOUND for n in walk(node))


def needed(node: ast.AST, where: Where) -> list[str]:
    """The local names an expression reads: what a function of its own must be given."""
    inner = {n for g in walk(node) if isinstance(g, ast.comprehension) for t in walk(g.target) for n in stored(t)}
    inner |= {a.arg for g in walk(node) if isinstance(g, ast.Lambda) for a in arguments_of(g)}
    own = where.locals()
    return [n for n in loads(node) if n in own and n not in inner]


def main_call(statement: ast.stmt) -> tuple[ast.Call, bool] | None:
    """The call a simple statement is made of, and whether it is awaited."""
    if not isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return, ast.AugAssign)):
        return None
    value = statement.value
    if isinstance(value, ast.Await) and isinstance(value.value, ast.Call):
        return value.value, True
    return (value, False) if isinstance(value, ast.Call) else None


def calls_of(statement: ast.stmt) -> list[tuple[ast.Call, bool]]:
    """The calls a statement begins with: of a simple statement, or the first context of a ``with``."""
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        first = statement.items[0].context_expr
        return [(first, False)] if isinstance(first, ast.Call) else []
    found = main_call(statement)
    return [found] if found else []


def is_generator(function: Function) -> bool:
    """Whether a function yields."""
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for s in function.body for n in walk_scope(s))
