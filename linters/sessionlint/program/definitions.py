"""Function and class definitions: decorators, defaults, annotations, routes and registrations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    checked_lists,
    configured,
    decorated,
    decorator_flags,
    dependencies,
    dispatching,
    entered_around,
    from_requests,
    handed_by_name,
    handed_dependencies,
    headers,
    hooking,
    init_only,
    kept_by_type,
    knowledge,
    lasting,
    listed,
    litestar,
    middleware,
    operators,
    provisions,
    registering,
    row_classes,
    served,
    signals,
    strings,
    subclassing,
    workers,
)  # fmt: skip
from sessionlint.program.classes import METACLASS
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import ClassInfo, Effect, FunctionInfo
from sessionlint.program.registering import Route, add_route
from sessionlint.program.values import (
    UNKNOWN,
    Cls,
    Fn,
    Inst,
    Map,
    Seq,
    Value,
    join,
)

#: A project decorator built on a task decorator of a library.
_REGISTERS = Effect("register", "background", None)


def define_function(frame: Frame, facts: tuple[Any, ...]) -> None:
    """``def``: evaluates what Python evaluates at definition and binds the name."""
    info = frame.solver.define(facts, frame.function, frame.class_scope)
    if frame.class_scope is not None:
        frame.class_scope.add(info)
        if info.name in ("__new__", "__init_subclass__", "__class_getitem__"):
            info.is_staticmethod = True
    result: Value = (Fn(info),)
    values: list[tuple[ir.Expr, Value]] = []
    for decorator in reversed(info.decorators):
        value = _decorate(frame, info, decorator)
        values.append((decorator, value))
    info.decorator_values = tuple(reversed(values))
    if not values:
        info.wrappers = ()
    if served.serves_by_name(frame.solver, frame.class_scope, info.name):
        add_route(frame, info, Route(info.name, None, None, UNKNOWN, info.header, frame.path, served.CLASSES))
    info.resigned()
    before = frame.env.get(info.name)
    if frame.class_scope is None and info.span not in frame.redefined:
        # at once: modules that import each other ask for it
        frame.bind(info.name, result, info.header)
    provides, filled = provisions.decorators(values) if values else ([], False)
    if not info.eager:
        nested = info.parent is not None
        info.eager = nested or bool(info.flags & ir.FLAG_MATTERS or info.routes or info.registrations or filled)
    if info.eager:
        operators.note_method(frame.solver, info)
        _in_header(frame, info, before)
        given_through(frame, info)
    elif frame.class_scope is not None and info.name in operators.METHODS:
        operators.note_making(frame.solver, info)
    if provides:
        provisions.note_function(frame, info, provides)
    frame.env[info.name] = result
    frame.solver.note_defined(info)


def _in_header(frame: Frame, info: FunctionInfo, before: Value | None) -> None:
    """Evaluates the header of a function: its own name still is what it was before the definition."""
    frame.env.pop(info.name, None)
    if before is not None:
        frame.env[info.name] = before
    sign(frame, info)


def given_through(frame: Frame, info: FunctionInfo) -> None:
    """The decorators of a function get what is meant for it."""
    _handed_on(frame, info)
    _served_through(frame, info)


def _handed_on(frame: Frame, info: FunctionInfo) -> None:
    """A decorator's inner function receives, under the same names, what the function it stands for would."""
    names = {p[0] for p in info.params}
    for wrapper in info.wrappers:
        for name, kind, *_ in wrapper.params:
            if name in names and kind not in (ir.KIND_VARARGS, ir.KIND_KWARGS):
                frame.solver.flow(wrapper, name, (identity(info, name),))
    if info.wrappers:
        decorated.declare(frame, info)


def _served_through(frame: Frame, info: FunctionInfo) -> None:
    """FastAPI calls an endpoint through its decorators, and passes by name what it injects."""
    if not info.dependencies:
        return
    given = {name: (identity(info, name),) for name, *_ in info.params}
    objects = (a.info for _, value in info.decorator_values for a in value if a.tag in ("cls", "inst"))
    called = (frame.solver.method(owner, "__call__") for owner in objects)
    for wrapper in (*info.wrappers, *(method for method in called if method is not None)):
        for name, kind, *_ in wrapper.params:
            if kind == ir.KIND_KWARGS:
                frame.solver.flow(wrapper, name, (Map(tuple(given.items()), True),))
            elif name in given:
                frame.solver.flow(wrapper, name, given[name])


def define_lambda(frame: Frame, facts: tuple[Any, ...]) -> Value:
    """A lambda is a function without a name."""
    info = frame.solver.define(facts, frame.function, frame.class_scope)
    info.eager = True
    sign(frame, info)
    if frame.function.name != "<module>":
        for name, value in frame.env.items():
            frame.solver.write(("local", frame.function, name), value)
    frame.solver.note_defined(info)
    return (Fn(info),)


def sign(frame: Frame, info: FunctionInfo) -> None:
    """Evaluates annotations and defaults, in the scope of the definition."""
    info.signed = True
    info.resigned()
    if frame.function.name != "<module>" or frame.function.parent is not None:
        for name, value in frame.env.items():
            frame.solver.write(("local", frame.function, name), value)
        if frame.facts:
            listed.around(frame, info)
            listed.around(frame, info, checked_lists.EACH)
    by_name = litestar.asks(frame, info)
    for name, _, annotation, default, span in info.params:
        declared = frame.evaluate(annotation) if annotation is not None else UNKNOWN
        given = frame.evaluate(default) if default is not None else UNKNOWN
        dependency = next((a for a in given if a.tag == "dependency"), None)
        if dependency is None:
            dependency = next(
                (m for a in declared if a.tag == "annotated" for m in a.metadata if m.tag == "dependency"), None
            )
        if dependency is None and given:
            dependency = handed_dependencies.in_default(frame, given)
        if dependency is None and default is None and by_name:
            dependency = litestar.given(frame, info, name)
        if any(a.tag == "handle" for a in given):
            frame.store(lasting.DEFAULT, name, given, span)
        given = headers.read(name, annotation, default, declared, given)
        if info.routes and declared:
            from_requests.asked(frame, declared)
        if dependency is not None and dependency.provided:
            given = provisions.inject(frame, info, name, dependency, declared)
        elif dependency is not None:
            given, _ = dependencies.inject(frame, info, name, dependency, declared, span)
        frame.solver.declare(info, name, declared, given)
    if info.facts[6] is not None:
        info.param_values["return"] = (frame.evaluate(info.facts[6]), UNKNOWN)
        info.resigned()


def _decorate(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> Value:
    is_call = decorator[0] == "c"
    target = frame.evaluate(decorator[2] if is_call else decorator)
    registering.bound_task(frame, info, decorator)
    for atom in target:
        if atom.tag == "ext":
            _library_decorator(frame, info, atom.name, decorator)
        elif atom.tag == "method" and atom.receiver.tag in ("obj", "ext"):
            _router_decorator(frame, info, atom, decorator)
        elif atom.tag == "method" and atom.receiver.tag == "fn" and atom.name == "register":
            dispatching.decorated(frame, info, atom.receiver.info, decorator)
        elif atom.tag in ("fn", "cls", "inst", "partial"):
            value = frame.evaluate(decorator) if is_call else target
            if (factory := decorator_flags.factory_of(frame, atom)) is not None:
                decorator_flags.note(frame, info, factory, decorator)
            for made in value:
                if made.tag in ("fn", "cls", "inst", "partial"):
                    wrapped = frame.machine.call(frame, made, [(Fn(info),)], [], ("c", decorator[1], decorator, (), ()))
                    _wrapped(info, wrapped)
                    inner = [a.info for a in wrapped if a.tag == "fn" and a.info.parent is not None]
                    inner += [m for a in wrapped if a.tag == "inst" if (m := _calls(frame, a, info)) is not None]
                    info.wrappers = tuple(dict.fromkeys(f for f in (*info.wrappers, *inner) if f is not info))
                    if frame.class_scope is not None and not info.is_staticmethod:
                        becomes_method(frame, wrapped, frame.class_scope, info)
                    if made.tag == "fn" and is_call:
                        registering.registered(frame, info, made.info, decorator)
                    if made.tag == "fn" and _REGISTERS in frame.solver.summary_of(made.info).effects:
                        info.registrations.setdefault(
                            "background", (frame.site(decorator[1]), f"@{ir.text_of(decorator)}")
                        )
    if is_call and entered_around.is_entered(frame, info, decorator, target):
        info.eager = True
    if not target and is_call and decorator[2][0] == "a":
        _likely_route(frame, info, decorator)
    return target


def _calls(frame: Frame, atom: Inst, info: FunctionInfo) -> FunctionInfo | None:
    """The ``__call__`` of an object that a function was given to, and that takes its place."""
    if not any(a.tag == "fn" and a.info is info for _, value in atom.bindings for a in value):
        return None
    return frame.solver.method(atom.info, "__call__")


def becomes_method(frame: Frame, value: Value, owner: ClassInfo, wrapped: FunctionInfo | None = None) -> None:
    """Functions that are put in place of a method receive its instance first."""
    for atom in value:
        if atom.tag != "fn" or atom.info is wrapped or atom.info.class_info is not None or not atom.info.params:
            continue
        name, kind = atom.info.params[0][:2]
        received: Value = (Inst(owner),)
        frame.solver.flow(atom.info, name, (Seq((received,)),) if kind == ir.KIND_VARARGS else received)


def _wrapped(info: FunctionInfo, value: Value) -> None:
    """A project decorator that ends in ``asynccontextmanager(fn)`` makes a context manager."""
    for atom in value:
        if atom.tag == "partial" and any(
            f.tag == "ext" and f.name in knowledge.CONTEXT_MANAGERS for f in atom.function
        ):
            info.is_context_manager = True


_PROPERTIES = ("cached_property", "hybrid_property", "computed_field", "declared_attr")


def _library_decorator(frame: Frame, info: FunctionInfo, name: str, decorator: ir.Expr) -> None:
    last = name.rpartition(".")[2]
    if name in knowledge.CONTEXT_MANAGERS:
        info.is_context_manager = True
    elif name == "builtins.staticmethod":
        info.is_staticmethod = True
    elif name == "builtins.classmethod":
        info.is_classmethod = True
    elif name == "builtins.property" or last in _PROPERTIES:
        info.is_property = True
        # a mixin's column: nothing calls it in sight
        info.eager = info.eager or last == "declared_attr"
    elif name.startswith("sqlalchemy.") and ".declared_attr." in name:
        info.is_property = info.eager = True
    elif knowledge.TASK_DECORATORS.match(name) or (
        name.startswith("apscheduler.") and last in knowledge.SCHEDULER_METHODS
    ):
        info.registrations.setdefault("background", (frame.site(decorator[1]), f"@{ir.text_of(decorator)}"))
    elif knowledge.connects_to_worker(name):
        info.registrations["on_event"] = (frame.site(decorator[1]), f"@{ir.text_of(decorator)}")
    elif name == hooking.LISTENS_FOR and decorator[0] == "c" and len(decorator[3]) == 2 and info.params:
        hooking.decorated(frame, info, decorator)
    elif last in ("validator", "field_validator", "model_validator", "root_validator"):
        info.is_classmethod = True
        # the settings that are made of the others: nothing calls it in sight
        info.eager = info.eager or configured.is_settings(frame)
    elif framework := served.framework_of(name):
        _register(frame, info, last, None, decorator, framework)
    elif last in knowledge.ROUTE_METHODS and name.startswith(("fastapi.", "starlette.", "fastapi_")):
        _register(frame, info, last, None, decorator)
    elif name in frame.solver.policy.background_sinks or (last in ("task", "actor") and name.count("()")):
        info.registrations.setdefault("background", (frame.site(decorator[1]), f"@{ir.text_of(decorator)}"))
    elif name.startswith(handed_by_name.LIBRARY):
        handed_by_name.serves(frame, info, name)


def _router_decorator(frame: Frame, info: FunctionInfo, atom: Any, decorator: ir.Expr) -> None:
    name = atom.name
    if atom.receiver.tag == "obj" and atom.receiver.name == signals.SIGNAL:
        signals.decorated(frame, info, atom.receiver, name)
    elif name in knowledge.ROUTE_METHODS:
        _register(frame, info, name, atom.receiver, decorator)
    elif name == "middleware":
        middleware.decorated(frame, atom.receiver, info, decorator)
    elif name in ("on_event", "exception_handler"):
        info.registrations[name] = (frame.site(decorator[1]), name)


def _likely_route(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> None:
    """A router we could not trace: an HTTP method with a literal path as first argument."""
    name = decorator[2][3]
    if name not in knowledge.ROUTE_METHODS or not decorator[3]:
        return
    path = strings.whole(frame.evaluate(decorator[3][0]))
    if path is not None and (path == "" or path.startswith("/")):
        _register(frame, info, name, None, decorator)


def _register(
    frame: Frame, info: FunctionInfo, method: str, router: Any, decorator: ir.Expr, framework: str = ""
) -> None:
    path: str | None = None
    injected: Value = UNKNOWN
    if decorator[0] == "c":
        if decorator[3]:
            path = registering.path_of(frame.evaluate(decorator[3][0]))
        for key, value in registering.options(frame, decorator, ("dependencies", "path")):
            if key == "dependencies":
                injected = value
            else:
                path = registering.path_of(value)
    add_route(frame, info, Route(method, path, router, injected, decorator[1], frame.path, framework))


def define_class(frame: Frame, facts: tuple[Any, ...], run_block: Callable[[Frame, Any], None]) -> None:
    """``class``: bases, then the body in a scope of its own."""
    outer = frame.class_scope.qualname if frame.class_scope is not None else frame.function.qualname
    qualname = f"{outer}.{facts[0]}" if outer else facts[0]
    info = frame.solver.define_class(frame.module, facts, qualname, frame.function)
    bases: Value = UNKNOWN
    for base in facts[3]:
        for atom in _given(frame, _base(frame, base)):
            if atom.tag == "inst":
                atom = Cls(atom.info)
            bases = join(bases, (atom,))
    frame.solver.set_bases(info, bases)
    for key, expr in facts[4]:
        if key == "metaclass":
            made_by = tuple(a for a in frame.evaluate(expr) if a.tag == "cls")
            frame.solver.set_attribute(info, METACLASS, (expr[1], UNKNOWN, made_by, None))
    frame.solver.set_decorators(info, tuple(a for d in facts[6] for a in frame.evaluate(d[2] if d[0] == "c" else d)))
    saved_env, saved_scope = dict(frame.env), frame.class_scope
    frame.class_scope = info
    run_block(frame, facts[5])
    workers.of_class(frame, info)
    if info.decorators:
        kept_by_type.fill_class(frame, info)
    row_classes.note(frame, info)
    _made_for_requests(frame, info)
    frame.class_scope = saved_scope
    subclassing.define(frame, info, facts[4])
    init_only.declare(frame, info)
    for decorator, expr in ((a, d) for d in facts[6] for a in frame.evaluate(d) if a.tag == "fn"):
        frame.machine.call(frame, decorator, [(Cls(info),)], [], ("c", expr[1], expr, (), ()))
    frame.env = saved_env
    frame.dead = False
    value: Value = (Cls(info),)
    if saved_scope is not None:
        frame.solver.write(("attr", saved_scope, info.name), value)
        frame.env[info.name] = value
    else:
        frame.bind(info.name, value, info.header)


def _base(frame: Frame, base: ir.Expr) -> Value:
    """A base of a class; ``dict[str, Any]`` is a dictionary there, whatever it holds."""
    value = frame.evaluate(base)
    if base[0] == "i" and all(a.tag == "annotated" for a in value):
        return tuple([a for a in frame.evaluate(base[2]) if a.tag == "ext" and "()" not in a.name])
    return value


def _given(frame: Frame, base: Value) -> Value:
    """The base that a function derives a class from where all callers hand it the same one."""
    if len(base) != 1 or base[0].tag != "param":
        return base
    passed = frame.solver.ask("views_among", base[0], ("cls",))
    return passed if len(passed) == 1 else base


def _made_for_requests(frame: Frame, info: ClassInfo) -> None:
    """FastAPI makes the object of a class-based view: nothing calls its constructor in sight."""
    if not info.decorators or not any(method.routes for method in info.methods.values()):
        return
    init = frame.solver.method(info, "__init__")
    if init is not None:
        frame.solver.want(init)


def receiver_of(info: FunctionInfo) -> Value:
    """What the first parameter of a method is."""
    if info.class_info is None or info.is_staticmethod:
        return UNKNOWN
    if info.is_classmethod:
        return (Cls(info.class_info),)
    return (Inst(info.class_info),)
