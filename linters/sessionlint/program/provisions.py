"""Containers that make by type: who provides what, and what they hand to a parameter declared with it.

dishka and its kin call, for each type that is asked for, the provider that says it makes one, and pass that what it is
declared to take, made likewise. Nothing of this is written as a call, so it is noted where a provider stands: the
object it makes is the same all over a request, as what FastAPI injects is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import dependencies
from sessionlint.program.demand import PROVIDED
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import (
    FACTORY,
    UNKNOWN,
    Annotation,
    Cls,
    Const,
    Dependency,
    Ext,
    Fn,
    Injected,
    Inst,
    Value,
    join_all,
    literal,
)

Keywords = list[tuple[str, Value]]
#: Decorators of functions that make what their annotation says.
_DECORATORS = frozenset({
    "dishka.provide", "injector.provider", "lagom.dependency_definition", "lagom.context_dependency_definition",
})  # fmt: skip
#: Containers that are told what to make, and asked for it, under a type: ``container[Session]``.
BY_TYPE = Ext("lagom.Container()")
#: Annotations for parameters that a container fills: ``FromDishka[T]``.
_ASKS = frozenset({"FromDishka", "FromComponent"})
#: Containers, which are called for one that lives as long as a request.
_CONTAINERS = ("make_container", "make_async_container", "Container", "AsyncContainer")
#: Types so general that who asks for one does not mean what anybody makes.
_VAGUE = ("builtins.", "typing.", "abc.")
_RECEIVERS = ("self", "cls")


def marked(frame: Frame, name: str, last: str, parts: tuple[ir.Expr, ...], e: ir.Expr) -> Value:
    """``FromDishka[T]``: a ``T`` of the container's; of other markers only the type is known, or the types."""
    if last == "AnyOf":
        return join_all([frame.evaluate(part) for part in parts]) if name.startswith("dishka.") else (Ext(name),)
    typed = frame.evaluate(parts[0])
    if last == "WithParents":
        return join_all([tuple(Cls(c) for c in frame.solver.mro(a.info)) for a in typed if a.tag == "cls"])
    if last not in _ASKS:
        return typed
    return (Annotation(typed, (Dependency((), frame.site(e[1]), given=False, provided=True),)),)


def of_component(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Annotated[T, FromComponent()]``, which ``FromDishka[T]`` stands for; a named component has its own."""
    if args or keywords:
        return (Ext("dishka.FromComponent()"),)
    return (Dependency((), frame.site(e[1]), given=False, provided=True),)


def asked(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Injected(T)`` of fastapi-injector as a default: a ``T`` of the container's, which needs no provider for it."""
    target = args[0] if args else UNKNOWN
    _make_alone(frame, target, e[1], ())
    return (Dependency(target, frame.site(e[1]), provided=True),)


def got(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``await container.get(T)``: what a provider makes for the type, which is the same for all who ask."""
    first = _first(frame, _keys(args[0])) if len(args) == 1 else None
    return (Injected(first),) if first is not None else UNKNOWN


def first_of(frame: Frame, asked: Value) -> Any:
    """The provider of what is asked for by its type, if one is in sight."""
    return _first(frame, _keys(asked))


def inject(frame: Frame, info: FunctionInfo | None, name: str, dependency: Dependency, declared: Value) -> Value:
    """What a container passes for a parameter; nothing where no provider is in sight."""
    first = _first(frame, _keys(dependency.target or declared))
    if first is None:
        return UNKNOWN
    if info is not None:
        info.dependencies[name] = dependency._replace(target=(first,), given=True)
        info.resigned()
    return (Injected(first),)


def decorators(values: Iterable[tuple[ir.Expr, Value]]) -> tuple[list[ir.Expr], bool]:
    """Those of a function's decorators that make a provider of it, and whether a container fills its parameters."""
    named = [(d, a.name) for d, value in values for a in value if a.tag == "ext"]
    made = [d for d, name in named if name in _DECORATORS]
    return made, bool(made) or any(name.startswith("dishka.") for _, name in named)


def note_function(frame: Frame, info: FunctionInfo, written: list[ir.Expr]) -> None:
    """``@provide`` before a method: the function makes what it is declared to return, or what ``provides=`` says."""
    said: Value = UNKNOWN
    for decorator in written:
        options = dict(decorator[4]) if decorator[0] == "c" else {}
        if "provides" in options:
            said = frame.evaluate(options["provides"])
    owner = frame.class_scope
    maker = Fn(info, Inst(owner)) if owner is not None and not info.is_staticmethod else Fn(info)
    _note(frame, _made_by(frame, info, said), [maker], info.header, frame.solver.returned(info))


def provided(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``provide(Users, provides=AnyUsers)``: a class, or a function, that a container calls."""
    named = dict(keywords)
    source = args[0] if args else named.get("source", UNKNOWN)
    makers = _callable(source)
    said = named.get("provides", UNKNOWN)
    if len(makers) > 1 and all(a.tag == "cls" and a.info in frame.solver.mro(makers[0].info) for a in makers):
        # ``provide(WithParents[Users])``: this class, under all types that are above it
        makers, said = makers[:1], said or source
    for maker in makers:
        keys = _keys(said) if maker.tag == "handle" else _made_by(frame, maker.info, said)
        _note(frame, keys, [maker], e[1], said)
    return (Ext("dishka.provide()"),)


def provided_all(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``provide_all(Users, Orders)``."""
    for value in args:
        provided(frame, [value], keywords, e)
    return (Ext("dishka.provide_all()"),)


def renamed(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``alias(source=Users, provides=AnyUsers)``: the same object under another type."""
    named = dict(keywords)
    source, said = args[0] if args else named.get("source", UNKNOWN), named.get("provides", UNKNOWN)
    _note(frame, _keys(said), _makers(frame, _keys(source)), e[1], said)
    return (Ext("dishka.alias()"),)


def bound(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``binder.bind(AnyUsers, to=Users)``."""
    named = dict(keywords)
    target = args[1] if len(args) > 1 else named.get("to", args[0] if args else UNKNOWN)
    said = args[0] if args else UNKNOWN
    _note(frame, _keys(said), _callable(target), e[1], said, ())
    return UNKNOWN


def registered(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``container.register(Users, factory=open_users)`` of punq."""
    named = dict(keywords)
    said = args[0] if args else named.get("service", UNKNOWN)
    _note(frame, _keys(said), _callable(args[1] if len(args) > 1 else named.get("factory", said)), e[1], said)
    return UNKNOWN


def put_under(frame: Frame, said: Value, value: Value, span: ir.Span4) -> None:
    """``container[Users] = lambda: Users(connect())`` of lagom."""
    _note(frame, _keys(said), _callable(value), span, said)


def _note(
    frame: Frame, keys: tuple[Any, ...], makers: Iterable[Any], span: ir.Span4, typed: Value,
    around: tuple[Any, ...] | None = None,
) -> None:  # fmt: skip
    """These make what is asked for by these types.

    ``around``: the container makes what nobody provides, too; the classes for whose sake this one is made.
    """
    solver = frame.solver
    for maker in makers:
        for key in keys:
            solver.write((PROVIDED, key), (maker,))
        site = frame.site(span)
        passed = _passed(frame, maker, span, around)
        made = dependencies.resolve(frame, Dependency((maker,), site), passed)
        made = tuple(dependencies.of_every_request(a, site) for a in made)
        if not any(a.tag == "inst" or solver.kind_of(a) for a in made):
            made = join_all([made, solver.instances(typed)])
        for first in {_first(frame, (key,)) for key in keys}:
            solver.write(("injected", first), made)


def _make_alone(frame: Frame, target: Value, span: ir.Span4, around: tuple[Any, ...]) -> None:
    """Some containers make an object of a class that nobody provides."""
    classes = [a for a in target if a.tag == "cls" and a not in around]
    if classes and all(maker in classes for maker in _makers(frame, _keys(target))):
        _note(frame, _keys(target), classes, span, UNKNOWN, (*around, *classes))


def _passed(frame: Frame, maker: Any, span: ir.Span4, around: tuple[Any, ...] | None) -> tuple[tuple[str, Value], ...]:
    """What a container passes a provider, by the types of what that takes."""
    passed: Keywords = []
    for name, declared in _taken(frame, maker):
        if around is not None:
            _make_alone(frame, declared, span, around)
        first = _first(frame, _keys(declared))
        if first is not None:
            passed.append((name, (Injected(first),)))
    return tuple(passed)


def _taken(frame: Frame, maker: Any) -> list[tuple[str, Value]]:
    """The parameters of a function or constructor, or the fields of a data class, with their declared types."""
    solver = frame.solver
    if maker.tag == "handle":
        return []
    function = maker.info if maker.tag == "fn" else solver.method(maker.info, "__init__")
    if function is not None:
        solver.ensure_signed(function)
        names = [p[0] for p in function.params if p[0] not in _RECEIVERS]
        return [(n, function.param_values[n][0]) for n in names if n in function.param_values]
    found: dict[str, Value] = {}
    for cls in reversed(solver.mro(maker.info)):
        found.update((n, entry[1]) for n, entry in cls.attributes.items() if entry[1])
    return list(found.items())


def _callable(target: Value) -> list[Any]:
    return [a for a in target if a.tag in ("fn", "cls") or (a.tag == "handle" and a.kind == FACTORY)]


def _made_by(frame: Frame, info: FunctionInfo | ClassInfo, said: Value) -> tuple[Any, ...]:
    """The types that a provider is asked for."""
    if said:
        return _keys(said)
    return (info,) if isinstance(info, ClassInfo) else _keys(frame.solver.returned(info), info.is_generator)


def _makers(frame: Frame, keys: tuple[Any, ...]) -> Value:
    return join_all([frame.solver.read((PROVIDED, key)) for key in keys])


def _first(frame: Frame, keys: tuple[Any, ...]) -> Any:
    """The provider that stands for a type: of several, the same one in whatever order they are found."""
    makers = _makers(frame, keys)
    return min(makers, key=_place) if makers else None


def _place(maker: Any) -> tuple[str, Any]:
    place: tuple[str, Any] = maker.site if maker.tag == "handle" else maker.info.key
    return place


def _keys(annotation: Value, generator: bool = False) -> tuple[Any, ...]:
    """The types an annotation names: classes of the project, and import paths of others."""
    out: list[Any] = []
    for atom in annotation:
        if isinstance(atom, Cls):
            out.append(atom.info)
        elif isinstance(atom, Ext) and not atom.name.endswith("()") and not atom.name.startswith(_VAGUE):
            out.append(atom.name)
        elif isinstance(atom, Annotation):
            out.extend(_keys_inside(atom, generator))
    return tuple(dict.fromkeys(out))


def _keys_inside(atom: Annotation, generator: bool) -> tuple[Any, ...]:
    if Const("many", "container") in atom.metadata:
        # what a generator is declared to give, one after the other, is what it makes
        return _keys(atom.type[0].items[0]) if generator else ()
    told = any(isinstance(a, Const) for a in atom.metadata) or literal(atom.metadata) is not None
    return () if told else _keys(atom.type, generator)


SPECIAL = {
    "dishka.provide": provided, "dishka.Provider().provide": provided,
    "dishka.provide_all": provided_all, "dishka.Provider().provide_all": provided_all,
    "dishka.alias": renamed, "dishka.Provider().alias": renamed,
    "dishka.FromComponent": of_component, "dishka.FromDishka": of_component,
    **{f"dishka.{maker}(){scope}.get": got for maker in _CONTAINERS for scope in ("", "()")},
    "injector.Binder().bind": bound, "punq.Container().register": registered,
    "lagom.integrations.fast_api.FastApiIntegration().depends": asked,
    "fastapi_injector.Injected": asked,
}  # fmt: skip

__all__ = ["SPECIAL", "decorators", "first_of", "inject", "marked", "note_function"]
