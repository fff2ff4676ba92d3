"""Disguises of a value: where a local variable is kept, and what hands it out."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tests.disguises.project import Project
from tests.disguises.syntax import (
    Function,
    Where,
    clone,
    expression,
    has,
    loads,
    local_names,
    name,
    needed,
    parse,
    portable,
    rewrite_statements,
    stored,
    walk_scope,
)
from tests.disguises.trees import Replace, walk


def _single(statement: ast.stmt) -> tuple[str, ast.expr] | None:
    """The name and value of ``x = value``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    return None


def _uses(function: Function, variable: str) -> list[ast.Name] | None:
    """Where a variable that is assigned once, and no inner function sees, is read; ``None``: it is not such."""
    reads, writes = [], 0
    for statement in function.body:
        for node in walk_scope(statement):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                if any(isinstance(n, ast.Name) and n.id == variable for n in walk(node)):
                    return None
            elif isinstance(node, ast.Name) and node.id == variable and isinstance(node.ctx, ast.Load):
                reads.append(node)
            elif variable in stored(node) or (isinstance(node, (ast.Global, ast.Nonlocal)) and variable in node.names):
                writes += 1
    return reads if writes == 1 else None


def _kept(
    project: Project, keep: Callable[[Where, str, ast.expr], list[ast.stmt]], read: str, at_module: bool = False
) -> bool:
    """Replaces ``x = value`` by what ``keep`` makes, and reads of ``x`` by ``read`` with ``{box}`` and ``{name}``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        found = _single(statement)
        if found is None or where.function is None:
            return None
        variable, value = found
        reads = _uses(where.function, variable)
        if not reads:
            return None
        box = project.fresh("box")
        for node in reads:
            place = Replace({id(node): _placed(expression(read.format(box=box, name=variable)), node)})
            for around in where.function.body:
                place.visit(around)
        return keep(where, box, value)

    return rewrite_statements(project, rewrite)


def _placed(new: ast.expr, old: ast.AST) -> ast.expr:
    if hasattr(old, "origin"):
        new.origin = old.origin  # type: ignore[attr-defined]
    return new


def _plain(template: str) -> Callable[[Where, str, ast.expr], list[ast.stmt]]:
    """Statements of a template in which ``VALUE`` stands for the value, ``BOX`` for the box's name."""

    def keep(where: Where, box: str, value: ast.expr) -> list[ast.stmt]:
        statements = parse(template.replace("BOX", box))
        at = next(n for s in statements for n in walk(s) if isinstance(n, ast.Name) and n.id == "VALUE")
        for statement in statements:
            Replace({id(at): value}).visit(statement)
        return statements

    return keep


def in_dictionary(project: Project) -> bool:
    """``x = value`` → ``box = {"x": value}``, read as ``box["x"]``."""
    return _kept(project, _plain("BOX = {'kept': VALUE}"), "{box}['kept']")


def in_dictionary_by_key(project: Project) -> bool:
    """``x = value`` → ``box = {}``, ``box["x"] = value``."""
    return _kept(project, _plain("BOX = {}\nBOX['kept'] = VALUE"), "{box}['kept']")


def in_list(project: Project) -> bool:
    """``x = value`` → ``box = [value]``, read as ``box[0]``."""
    return _kept(project, _plain("BOX = [VALUE]"), "{box}[0]")


def in_appended_list(project: Project) -> bool:
    """``x = value`` → ``box = []``, ``box.append(value)``, read as ``box[0]``."""
    return _kept(project, _plain("BOX = []\nBOX.append(VALUE)"), "{box}[0]")


def in_namespace(project: Project) -> bool:
    """``x = value`` → ``box = types.SimpleNamespace(kept=value)``, read as ``box.kept``."""

    def keep(where: Where, box: str, value: ast.expr) -> list[ast.stmt]:
        where.require("types")
        return _plain("BOX = types.SimpleNamespace(kept=VALUE)")(where, box, value)

    return _kept(project, keep, "{box}.kept")


def _with_class(text: str, module: str = "") -> Callable[[Where, str, ast.expr], list[ast.stmt]]:
    def keep(where: Where, box: str, value: ast.expr) -> list[ast.stmt]:
        made = where.project.fresh("Holder")
        where.before(*parse(text.replace("HOLDER", made)))
        if module:
            where.require(module)
        return _plain(f"BOX = {made}(VALUE)")(where, box, value)

    return keep


def in_instance(project: Project) -> bool:
    """``x = value`` → ``box = Holder(value)``, read as the attribute ``box.kept``."""
    text = "class HOLDER:\n    def __init__(self, value):\n        self.kept = value"
    return _kept(project, _with_class(text), "{box}.kept")


def in_dataclass(project: Project) -> bool:
    """``x = value`` → ``box = Holder(value)``, a data class."""
    text = "@dataclasses.dataclass\nclass HOLDER:\n    kept: object"
    return _kept(project, _with_class(text, "dataclasses"), "{box}.kept")


def in_named_tuple(project: Project) -> bool:
    """``x = value`` → ``box = Holder(value)``, a named tuple."""
    text = "class HOLDER(typing.NamedTuple):\n    kept: object"
    return _kept(project, _with_class(text, "typing"), "{box}.kept")


def in_property(project: Project) -> bool:
    """``x = value`` → ``box = Holder(value)``, read through a property."""
    text = (
        "class HOLDER:\n    def __init__(self, value):\n        self._value = value\n\n"
        "    @property\n    def kept(self):\n        return self._value"
    )
    return _kept(project, _with_class(text), "{box}.kept")


def in_slot_set_later(project: Project) -> bool:
    """``x = value`` → ``box = Holder()``, ``box.kept = value``."""

    def keep(where: Where, box: str, value: ast.expr) -> list[ast.stmt]:
        made = where.project.fresh("Holder")
        where.before(*parse(f"class {made}:\n    kept = None"))
        return _plain(f"BOX = {made}()\nBOX.kept = VALUE")(where, box, value)

    return _kept(project, keep, "{box}.kept")


def from_tuple(project: Project) -> bool:
    """``x = value`` → ``x, _ = value, None``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        found = _single(statement)
        if found is None or where.functions == () or not isinstance(statement, ast.Assign):
            return None
        unused = ast.Name(project.fresh("unused"), ast.Store())
        statement.targets = [ast.Tuple([statement.targets[0], unused], ast.Store())]
        statement.value = ast.Tuple([found[1], ast.Constant(None)], ast.Load())
        return [statement]

    return rewrite_statements(project, rewrite)


def by_walrus(project: Project) -> bool:
    """``x = value`` → ``(x := value)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        found = _single(statement)
        if found is None or not where.functions:
            return None
        return [_at(ast.Expr(ast.NamedExpr(ast.Name(found[0], ast.Store()), found[1])), statement)]

    return rewrite_statements(project, rewrite)


def _at(new: ast.stmt, old: ast.stmt) -> ast.stmt:
    if hasattr(old, "origin"):
        new.origin = old.origin  # type: ignore[attr-defined]
    return new


def aliased(project: Project) -> bool:
    """``x = value`` → ``first = value``, ``x = first``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        found = _single(statement)
        if found is None or not where.functions or not isinstance(statement, ast.Assign):
            return None
        held = project.fresh("first")
        kept = _at(ast.Assign([ast.Name(held, ast.Store())], found[1]), statement)
        statement.value = name(held)
        return [kept, statement]

    return rewrite_statements(project, rewrite)


def _made_by(
    project: Project, body: str, use: Callable[[ast.stmt, str, ast.expr, list[str]], list[ast.stmt]], asynchronous: bool
) -> bool:
    """``x = value`` gets its value from a new function; ``body`` has ``VALUE`` in it."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        found = _single(statement)
        if found is None or not where.functions or not portable(found[1]) or "self" in loads(found[1]):
            return None
        variable, value = found
        awaits = has(value, ast.Await)
        if awaits and not asynchronous:
            return None
        given = needed(value, where)
        if variable in given or any("tenant" in g or "token" in g for g in given):
            return None
        helper = project.fresh("made")
        prefix = "async " if awaits else ""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        made = parse(f"{prefix}def {helper}({', '.join(given)}):\n{lines}")
        at = next(n for s in made for n in walk(s) if isinstance(n, ast.Name) and n.id == "VALUE")
        Replace({id(at): clone(value)}).visit(made[0])
        where.before(*made)
        call: ast.expr = ast.Call(name(helper), [name(g) for g in given], [])
        return use(statement, variable, ast.Await(call) if awaits else call, given)

    return rewrite_statements(project, rewrite)


def _assigned(statement: ast.stmt, variable: str, call: ast.expr, given: list[str]) -> list[ast.stmt]:
    return [_at(ast.Assign([ast.Name(variable, ast.Store())], call), statement)]


def returned_by_helper(project: Project) -> bool:
    """``x = value`` → ``x = helper(…)`` with a function that returns the value."""
    return _made_by(project, "return VALUE", _assigned, True)


def yielded_by_generator(project: Project) -> bool:
    """``x = value`` → ``x = next(helper(…))`` with a generator that yields the value."""

    def use(statement: ast.stmt, variable: str, call: ast.expr, given: list[str]) -> list[ast.stmt]:
        return _assigned(statement, variable, ast.Call(name("next"), [call], []), given)

    return _made_by(project, "yield VALUE", use, False)


def returned_through_try(project: Project) -> bool:
    """``x = value`` → a helper that computes the value in a ``try`` and returns it afterwards."""
    return _made_by(project, "try:\n    found = VALUE\nfinally:\n    pass\nreturn found", _assigned, True)


def handed_out_by_context(project: Project) -> bool:
    """``async with make() as x:`` → ``async with helper() as x:`` with a context manager of its own around it."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.With, ast.AsyncWith)) or len(statement.items) != 1:
            return None
        item = statement.items[0]
        if not where.functions or not isinstance(item.optional_vars, ast.Name) or not portable(item.context_expr):
            return None
        if has(item.context_expr, ast.Await) or "self" in loads(item.context_expr):
            return None
        given = needed(item.context_expr, where)
        helper = project.fresh("opened")
        is_async = isinstance(statement, ast.AsyncWith)
        kind, word = ("asynccontextmanager", "async ") if is_async else ("contextmanager", "")
        made = parse(
            f"@contextlib.{kind}\n{word}def {helper}({', '.join(given)}):\n"
            f"    {word}with VALUE as made:\n        yield made"
        )
        at = next(n for s in made for n in walk(s) if isinstance(n, ast.Name) and n.id == "VALUE")
        Replace({id(at): clone(item.context_expr)}).visit(made[0])
        where.before(*made)
        where.require("contextlib")
        item.context_expr = ast.Call(name(helper), [name(g) for g in given], [])
        return [statement]

    return rewrite_statements(project, rewrite)


def parameter_default(project: Project) -> bool:
    """A name of the module that a plain function uses becomes the default of a keyword-only parameter."""
    changed = False
    for tree in project.trees.values():
        top = [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
        bound = {n for s in top for n in stored(s)}
        for function in (s for s in tree.body if isinstance(s, Function)):
            if function.decorator_list or function.args.kwarg or function.args.vararg:
                continue
            own = local_names(function)
            inner = [n for s in function.body for n in walk(s) if isinstance(n, ast.Name)]
            used = list(dict.fromkeys(n.id for n in inner if n.id in bound and n.id not in own))
            called = {n.func.id for s in function.body for n in walk(s)
                      if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
            for original in [u for u in used if u in called]:
                parameter = project.fresh("made")
                for node in inner:
                    if node.id == original:
                        node.id = parameter
                function.args.kwonlyargs.append(ast.arg(parameter))
                function.args.kw_defaults.append(name(original))
                changed = True
    return changed
