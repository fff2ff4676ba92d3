"""Disguises of a call: what is called, and by whom."""

from __future__ import annotations

import ast

from tests.disguises.project import Project
from tests.disguises.syntax import (
    Where,
    calls_of,
    clone,
    expression,
    has,
    header_end,
    loads,
    main_call,
    name,
    needed,
    parse,
    portable,
    require,
    rewrite_statements,
    stored,
)
from tests.disguises.trees import Replace, walk

#: Calls that say something to the reader of the file (types, columns, settings), not to the running program.
_DECLARES = {
    "Depends", "Security", "mapped_column", "Column", "relationship", "ForeignKey", "TypeVar", "NewType", "super",
    "Header", "Cookie", "Query", "Body", "Field", "field", "isinstance", "declarative_base", "cast", "namedtuple",
}  # fmt: skip


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _callable_chain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _calls(statement: ast.stmt, where: Where) -> list[tuple[ast.Call, bool]]:
    """The calls of a statement in a function whose callee can be named apart from its arguments."""
    if not where.functions:
        return []
    found = calls_of(statement)
    return [(c, a) for c, a in found if _called(c) not in _DECLARES and "super" not in loads(c.func)]


def bound_method(project: Project) -> bool:
    """``await session.commit()`` → ``call = session.commit``, ``await call()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        calls = _calls(statement, where)
        if not calls or has(calls[0][0].func, ast.Await):
            return None
        call = calls[0][0]
        held = project.fresh("call")
        kept = ast.Assign([ast.Name(held, ast.Store())], call.func)
        call.func = name(held)
        return [kept, statement]

    return rewrite_statements(project, rewrite)


def walrus_callee(project: Project) -> bool:
    """``await session.commit()`` → ``await (call := session.commit)()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            call.func = ast.NamedExpr(ast.Name(project.fresh("call"), ast.Store()), call.func)
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def chosen_callee(project: Project) -> bool:
    """``session.commit()`` → ``(session.commit if __debug__ else session.commit)()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            if _callable_chain(call.func):
                call.func = ast.IfExp(name("__debug__"), call.func, clone(call.func))
                return [statement]
        return None

    return rewrite_statements(project, rewrite)


def getattr_method(project: Project) -> bool:
    """``session.commit()`` → ``getattr(session, "commit")()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            if isinstance(call.func, ast.Attribute):
                call.func = ast.Call(name("getattr"), [call.func.value, ast.Constant(call.func.attr)], [])
                return [statement]
        return None

    return rewrite_statements(project, rewrite)


def method_caller(project: Project) -> bool:
    """``session.add(x)`` → ``operator.methodcaller("add", x)(session)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            if isinstance(call.func, ast.Attribute) and not isinstance(call.func.value, ast.Call):
                maker = ast.Attribute(name("operator"), "methodcaller", ast.Load())
                receiver, method = call.func.value, call.func.attr
                call.func = ast.Call(maker, [ast.Constant(method), *call.args], call.keywords)
                call.args, call.keywords = [receiver], []
                where.require("operator")
                return [statement]
        return None

    return rewrite_statements(project, rewrite)


def partial(project: Project) -> bool:
    """``f(a, b)`` → ``functools.partial(f, a, b)()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            target = ast.Attribute(name("functools"), "partial", ast.Load())
            call.func = ast.Call(target, [call.func, *call.args], call.keywords)
            call.args, call.keywords = [], []
            where.require("functools")
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def partial_in_variable(project: Project) -> bool:
    """``f(a, b)`` → ``later = functools.partial(f, a)``, ``later(b)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            if has(call, ast.Await) or any(isinstance(a, ast.Starred) for a in call.args):
                return None
            held = project.fresh("later")
            target = ast.Attribute(name("functools"), "partial", ast.Load())
            kept = ast.Assign([ast.Name(held, ast.Store())], ast.Call(target, [call.func, *call.args[:1]], []))
            call.func, call.args = name(held), call.args[1:]
            where.require("functools")
            return [kept, statement]
        return None

    return rewrite_statements(project, rewrite)


def lambda_call(project: Project) -> bool:
    """``session.commit()`` → ``(lambda: session.commit())()``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            if not has(call, ast.Await) and portable(call):
                inner = clone(call)
                call.func = ast.Lambda(_no_arguments(), inner)
                call.args, call.keywords = [], []
                return [statement]
        return None

    return rewrite_statements(project, rewrite)


def _no_arguments() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])


def spread(project: Project) -> bool:
    """``f(a, key=b)`` → ``f(*(a,), **{"key": b})``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            plain = not any(isinstance(a, ast.Starred) for a in call.args) and all(k.arg for k in call.keywords)
            if not plain or not (call.args or call.keywords):
                continue
            if call.args:
                call.args = [ast.Starred(ast.Tuple(call.args, ast.Load()), ast.Load())]
            if call.keywords:
                keys: list[ast.expr | None] = [ast.Constant(k.arg) for k in call.keywords]
                call.keywords = [ast.keyword(None, ast.Dict(keys, [k.value for k in call.keywords]))]
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def forwarding_sync(project: Project) -> bool:
    """``f(a)`` → ``helper(f, a)`` with ``def helper(call, *args, **kwargs): return call(*args, **kwargs)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, _ in _calls(statement, where):
            helper = project.fresh("forward")
            where.before(*parse(f"def {helper}(call, *args, **kwargs):\n    return call(*args, **kwargs)"))
            call.args, call.func = [call.func, *call.args], name(helper)
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def forwarding_async(project: Project) -> bool:
    """``await f(a)`` → ``await helper(f, a)`` with a helper that awaits ``call(*args, **kwargs)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, awaited in _calls(statement, where):
            if not awaited:
                continue
            helper = project.fresh("forward")
            where.before(*parse(f"async def {helper}(call, *args, **kwargs):\n    return await call(*args, **kwargs)"))
            call.args, call.func = [call.func, *call.args], name(helper)
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def forwarding_elsewhere(project: Project) -> bool:
    """The same, the helper in a module of its own in the same folder."""
    made: dict[str, str] = {}

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        for call, awaited in _calls(statement, where):
            folder = where.path.rpartition("/")[0]
            if folder not in made:
                made[folder] = f"{folder}/forwarding.py" if folder else "forwarding.py"
                project.trees[made[folder]] = ast.parse(
                    "async def call_async(call, *args, **kwargs):\n    return await call(*args, **kwargs)\n\n\n"
                    "def call_sync(call, *args, **kwargs):\n    return call(*args, **kwargs)\n"
                )
            module = made[folder].removesuffix(".py").replace("/", ".")
            require(where.tree, module)
            helper = expression(f"{module}.{'call_async' if awaited else 'call_sync'}")
            call.args, call.func = [call.func, *call.args], helper
            return [statement]
        return None

    return rewrite_statements(project, rewrite)


def _extracted(statement: ast.stmt, where: Where, helper: str) -> tuple[ast.stmt, list[str]] | None:
    """The main call of a statement as a function; the call of that function takes its place."""
    found = _calls(statement, where)
    if not found:
        return None
    call, awaited = found[0]
    whole: ast.expr = ast.Await(call) if awaited else call
    if not portable(whole) or set().union(*(stored(n) for n in walk(whole))) - set(loads(whole)):
        return None
    inside = clone(whole)
    given = needed(whole, where)
    is_async = has(whole, ast.Await)
    kind: type[ast.AsyncFunctionDef] | type[ast.FunctionDef] = ast.AsyncFunctionDef if is_async else ast.FunctionDef
    taken = {n: f"given_{i}" for i, n in enumerate(given) if n == "self" or "tenant" in n or "token" in n}
    for node in walk(inside):
        if isinstance(node, ast.Name) and node.id in taken:
            node.id = taken[node.id]
    parameters = _no_arguments()
    parameters.args = [ast.arg(taken.get(n, n)) for n in given]
    function = kind(name=helper, args=parameters, body=[ast.Return(inside)], decorator_list=[])
    replacement: ast.expr = ast.Call(name(helper), [name(n) for n in given], [])
    if is_async and not awaited:
        replacement = ast.Await(replacement)
    call_at = Replace({id(call): replacement})
    call_at.visit(statement)
    return function, [n for n in loads(inside) if n not in parameters_of(function)]


def parameters_of(function: ast.stmt) -> set[str]:
    """The parameters of a function made here."""
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    return {a.arg for a in function.args.args}


def extracted(project: Project) -> bool:
    """``await session.commit()`` → ``await helper(session)`` with a function of the same module."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        made = _extracted(statement, where, project.fresh("step"))
        if made is None:
            return None
        where.before(made[0])
        return [statement]

    return rewrite_statements(project, rewrite)


def extracted_elsewhere(project: Project) -> bool:
    """The same, the function in a module of its own in the same folder."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if where.path in project.sealed or where.path.endswith("__init__.py"):
            return None
        imports = {n: s for s in where.tree.body if isinstance(s, (ast.Import, ast.ImportFrom)) for n in stored(s)}
        own = set().union(*(stored(n) for s in where.tree.body for n in _defined(s))) - set(imports)
        calls = _calls(statement, where)
        if not calls or own & (set(loads(calls[0][0])) - where.locals()):
            return None
        helper = project.fresh("step")
        made = _extracted(statement, where, helper)
        if made is None:
            return None
        folder, _, _ = where.path.rpartition("/")
        path = f"{folder}/{helper}.py" if folder else f"{helper}.py"
        tree = ast.Module([], [])
        tree.body = [clone(s) for s in dict.fromkeys(imports[n] for n in made[1] if n in imports)]
        for node in (n for s in tree.body for n in walk(s)):
            if hasattr(node, "origin"):
                del node.origin
        tree.body.append(made[0])
        project.trees[path] = tree
        module = path.removesuffix(".py").replace("/", ".")
        where.tree.body.insert(header_end(where.tree), ast.ImportFrom(module, [ast.alias(helper)], 0))
        return [statement]

    return rewrite_statements(project, rewrite)


def _defined(statement: ast.stmt) -> list[ast.AST]:
    """The nodes that bind names of the module in a top-level statement."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement]
    return list(walk(statement))


def keyword_arguments(project: Project) -> bool:
    """Positional arguments of functions of the same module are given by name."""
    changed = False
    for tree in project.trees.values():
        functions = {f.name: f for f in tree.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for node in walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in functions:
                continue
            arguments = functions[node.func.id].args
            if arguments.posonlyargs or arguments.vararg or len(node.args) > len(arguments.args) or not node.args:
                continue
            if any(isinstance(a, ast.Starred) for a in node.args):
                continue
            by_name = [ast.keyword(p.arg, a) for p, a in zip(arguments.args, node.args, strict=False)]
            node.args, node.keywords = [], [*by_name, *node.keywords]
            changed = True
    return changed


def positional_arguments(project: Project) -> bool:
    """Keyword arguments of functions of the same module are given by position."""
    changed = False
    for tree in project.trees.values():
        functions = {f.name: f for f in tree.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for node in walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in functions:
                continue
            wanted = [p.arg for p in functions[node.func.id].args.args][len(node.args) :]
            while wanted and node.keywords and node.keywords[0].arg == wanted[0]:
                node.args.append(node.keywords.pop(0).value)
                wanted.pop(0)
                changed = True
    return changed


def returned_by_variable(project: Project) -> bool:
    """``return f()`` → ``result = f()``, ``return result``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, ast.Return) or main_call(statement) is None or not statement.value:
            return None
        held = project.fresh("result")
        kept = ast.Assign([ast.Name(held, ast.Store())], statement.value)
        statement.value = name(held)
        return [kept, statement]

    return rewrite_statements(project, rewrite)
