"""Reflection and containers of the standard library, as far as handles travel through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    ambient,
    asking_rows,
    class_names,
    listed,
    network,
    padding,
    prefixes,
    promising,
    strings,
    texts,
)
from sessionlint.program.classes import is_declarative
from sessionlint.program.frame import Frame
from sessionlint.program.predicates import tenant_name
from sessionlint.program.reflection import class_of
from sessionlint.program.row_changes import change
from sessionlint.program.targets import assign
from sessionlint.program.values import (
    BY_NAME,
    FACTORY,
    NAMESPACE,
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Column,
    Const,
    Ext,
    Map,
    Mod,
    Obj,
    PartialCall,
    Seq,
    Value,
    const,
    join,
    join_all,
    literal,
)

Keywords = list[tuple[str, Value]]
Special = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]
CONTEXT_VARIABLE = "contextvars.ContextVar()"
#: The event of putting something into one.
CONTEXT_SET = "contextvars.ContextVar().set"
NAMED_TUPLE = "collections.namedtuple"
_REPLACE = "collections.namedtuple()._replace()"
#: What ``property(f)`` is a call of.
PROPERTY: Value = (Ext("builtins.property()"),)
#: What ``suppress(Error)`` is a call of.
SUPPRESSING: Value = (Ext("contextlib.suppress()"),)
_INTEGER = Ext("builtins.int()")
_A_TYPE = Ext("builtins.type()")
#: What is known of a dictionary that makes what it is asked for.
DEFAULTS: Value = (Ext("collections.defaultdict()"),)
#: What a variable of the environment holds.
ENVIRONMENT = Ext("os.environ[]")


def named(frame: Frame, base: Value, names: Value, e: ir.Expr) -> Value:
    """The attributes of ``base`` whose names a value may be."""
    at: ir.Expr = e[3][0] if e[0] == "c" and e[3] else ("z", e[1], ())
    out: Value = UNKNOWN
    known = [a for n in names for a in (_views(frame, n) if n.tag == "param" else (n,))]
    texts = strings.texts_of(tuple(known))
    for text in texts:
        if not text.dynamic:
            found = frame.machine.attribute(frame, base, text.text, ("a", e[1], at, text.text))
            if frame.named:
                class_names.called(frame, text.text, found, e, [t.text for t in texts])
            out = join(out, found)
        elif not out and text.text.count("\0") == 1:
            out = prefixes.methods(frame, base, text, e)
    if not out and (asked := _requests(frame, base)):
        return asked
    if not out and not texts and any(n.tag == "param" for n in names):
        # the caller knows the name
        return (PartialCall(BY_NAME, (base, names), ()),)
    return out


def _requests(frame: Frame, base: Value) -> Value:
    """``getattr(client, verb)`` of an HTTP client: its ``request``, whatever the verb."""
    seen = [v for a in base for v in (frame.solver.views(a) if a.tag in ("param", "injected") else (a,))]
    asked = [request for a in seen if a.tag == "ext" and (request := network.request_of(a.name)) is not None]
    return tuple([Ext(request) for request in dict.fromkeys(asked)])


def _views(frame: Frame, param: Any) -> Value:
    """What a parameter is seen as, or the literals of which a test has found it to be one."""
    return (listed.literals_of(frame, param) if frame.facts else UNKNOWN) or frame.solver.views(param)


def _getattr(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if len(args) < 2:
        return UNKNOWN
    # ``model: type`` says of no attribute what it is
    base = tuple([a for a in args[0] if a != _A_TYPE]) if _A_TYPE in args[0] else args[0]
    found = named(frame, base, args[1], e)
    if not found or _is_of_library_base(frame, found):
        found = _of_unknown(frame, base, args[1], e) or found
    return join(found, args[2]) if len(args) > 2 else found


def _is_of_library_base(frame: Frame, found: Value) -> bool:
    """Whether a tenant's column is one of ``TypeVar("M", bound=SQLModel)``: that stands for a model below."""
    return all(
        a.tag == "ext" and is_declarative(a.name.rpartition(".")[0]) and tenant_name(frame, a.name.rpartition(".")[2])
        for a in found
    )


def _of_unknown(frame: Frame, base: Value, names: Value, e: ir.Expr) -> Value:
    """A tenant's column of a model that is not known: ``getattr(self.model, "tenant_id", None)``.

    Of several names that classes keep (``getattr(self.model, self.scope)``) each may be the one.
    """
    if len(names) == 1 and names[0].tag == "param":
        # what callers say
        names = tuple([a for a in _views(frame, names[0]) if a.tag == "const"])
    elif len(names) > 1 and (e[0] != "c" or len(e[3]) < 2 or e[3][1][0] != "a"):
        return UNKNOWN
    if any(a.tag != "const" for a in names) or any(a.tag in ("inst", "const", "mod") for a in base):
        return UNKNOWN
    known = frame.solver.policy.tenant_names
    return tuple([Column(None, a.value) for a in names if a.kind == "str" and a.value in known])


def _method_caller(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (PartialCall((Ext("operator.methodcaller()"),), tuple(args), tuple(keywords)),)


def _call_method(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``methodcaller(name, *args)(target)``: the target comes last."""
    if len(args) < 2:
        return UNKNOWN
    methods = named(frame, args[-1], args[0], e)
    return join_all([frame.machine.call(frame, m, args[1:-1], keywords, e) for m in methods])


def _attribute_getter(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (PartialCall((Ext("operator.attrgetter()"),), tuple(args), ()),)


def _get_attribute(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``attrgetter("bind.engine")(session)``; of several names a tuple."""
    found = [_attribute_below(frame, args[-1], name, e) for name in args[:-1]]
    return (Seq(tuple(found)),) if len(found) > 1 else join_all(found)


def _attribute_below(frame: Frame, base: Value, name: Value, e: ir.Expr) -> Value:
    *above, last = str(literal(name) or "").split(".")
    for part in above:
        base = named(frame, base, const(part), e)
    return named(frame, base, const(last) if above else name, e)


def _call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``operator.call(f, *args)``."""
    called = args[0] if args else UNKNOWN
    return join_all([frame.machine.call(frame, f, args[1:], keywords, e) for f in called])


def _globals(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Mod(frame.module.name),) if frame.module.name else UNKNOWN


def _vars(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    given = tuple(v for a in args[0] for v in (frame.solver.views(a) if a.tag == "param" else (a,))) if args else ()
    # of what stands for an object the keys are left
    plain = [a._replace(items=tuple([i for i in a.items if i != NAMESPACE])) if a.tag == "map" else a for a in given]
    return tuple([a for a in plain if a.tag in ("mod", "inst", "cls", "map")])


def _import(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``__import__("a.b")`` gives the package ``a`` (unless a from-list is given)."""
    name = literal(args[0]) if args else None
    if not isinstance(name, str):
        return UNKNOWN
    frame.emit("external", e[1], name="importlib.import_module", args=(args[0],), expr=e)
    whole = len(args) > 3 or any(k == "fromlist" for k, _ in keywords)
    return frame.solver.module_value(name if whole else name.partition(".")[0], frame.path)


def _context_variable(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    site = frame.site(e[1])
    frame.solver.write(("context", site), dict(keywords).get("default", UNKNOWN))
    return (Obj(CONTEXT_VARIABLE, site),)


def context_variable(frame: Frame, receiver: Obj, name: str, args: list[Value], e: ir.Expr) -> Value:
    """``get`` and ``set`` of a ``ContextVar``."""
    key = ("context", receiver.site)
    if name == "set" and args:
        frame.solver.write(key, args[0])
        frame.emit("external", e[1], name=CONTEXT_SET, args=tuple(args), expr=e)
        frame.store("context variable", ir.text_of(e[2][2]) if e[2][0] == "a" else "it", args[0], e[1])
        return UNKNOWN
    if name == "get":
        return ambient.read(frame, join(frame.solver.read(key), args[0] if args else UNKNOWN), receiver)
    return UNKNOWN


def _ambient(kind: str) -> Special:
    def session_of(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        asked = args[0] if args else UNKNOWN
        asking_rows.note(frame, asked)
        return asking_rows.sessions_of(frame, asked) or (Ext(kind),)

    return session_of


def cast(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``cast(AsyncSession, x)``: the object, and what it is said to be when it says nothing itself."""
    if len(args) < 2:
        return UNKNOWN
    named = tuple(a for t in strings.texts_of(args[0]) if not t.dynamic for a in frame.lookup(t.text))
    if any(frame.solver.kind_of(a) for a in args[1]):
        return args[1]
    named = frame.solver.instances((*args[0], *named))
    said = tuple(a for a in named if frame.solver.kind_of(a))
    if not said and promising.says_nothing(args[1]):
        return join(args[1], tuple([a for a in named if a.tag == "inst"]))
    return said or args[1]


def _integer(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``int(number)``: a number that is known stays known."""
    given = args[0] if args else UNKNOWN
    numbers = tuple(a for a in given if a.tag == "const" and a.kind == "int")
    if given and all(a.tag == "ext" and a.name in strings.CLOCK for a in given):
        return tuple(Ext(a.name + texts.WHOLE) for a in given)
    if ENVIRONMENT in given and any(a.tag == "const" for a in given):
        return with_default(given)
    return given if numbers and all(a in numbers or a == _INTEGER for a in given) else (_INTEGER,)


def with_default(given: Value) -> Value:
    """``int(os.getenv("SIZE", "5"))``: the number written here, or another one from outside."""
    written = [str(a.value) for a in given if a.tag == "const"]
    whole = tuple(Const(int(text), "int") for text in written if text.removeprefix("-").isdecimal())
    return (*whole, Ext(ENVIRONMENT.name + texts.WHOLE)) if len(whole) == len(given) - 1 else (_INTEGER,)


def _reference(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``weakref.ref(x)``: calling it gives ``x``."""
    return (PartialCall((Ext("copy.copy"),), tuple(args[:1]), ()),)


def _itself(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[0] if args else UNKNOWN


def _type_variable(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``TypeVar("S", bound=AsyncSession)`` stands for its bound, or for one of its constraints."""
    return join_all([*args[1:], dict(keywords).get("bound", UNKNOWN)])


def _alias_type(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[1] if len(args) > 1 else dict(keywords).get("value", UNKNOWN)


def _set_attribute(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``setattr(object, "name", value)``."""
    if len(args) != 3 or e[0] != "c" or len(e[3]) != 3:
        return UNKNOWN
    names = [t.text for t in strings.texts_of(args[1]) if not t.dynamic]
    for name in names:
        assign(frame, ("a", e[1], e[3][0], name), args[2], e[3][2])
    if not names:
        change(frame, args[0], e[1], e)
    return UNKNOWN


def _flag_changed(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``flag_modified(row, "data")``: an attribute was changed inside."""
    if args:
        change(frame, args[0], e[1], e)
    return UNKNOWN


def _namespace(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``SimpleNamespace(db=session)``: a dictionary whose keys are attributes."""
    return (Map((*keywords, NAMESPACE), True, frame.site(e[1])),)


def _chained(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``ChainMap(a, b)``: what a key is found under first counts."""
    items: dict[Any, Value] = {}
    for key, value in (i for given in args for a in given if a.tag == "map" for i in a.items):
        items.setdefault(key, value)
    return (Map(tuple(items.items()), True, frame.site(e[1])),)


def _default_dictionary(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``defaultdict(lambda: session)``: whatever key is asked for, its function makes what stands there."""
    made: Value = UNKNOWN
    for maker in args[0] if args else UNKNOWN:
        if maker.tag in ("fn", "cls", "partial") or frame.solver.kind_of(maker) == FACTORY:
            made = join(made, frame.machine.call(frame, maker, [], [], e))
    if not any(frame.solver.kind_of(a) or (a.tag == "inst" and a.bindings) for a in made):
        return DEFAULTS
    given = tuple(i for value in args[1:2] for a in value if a.tag == "map" for i in a.items if i[0] != ("?",))
    return (Map((*given, (("?",), made)), True, frame.site(e[1])),)


def _bound_method(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``MethodType(function, object)``: the function with its first argument."""
    return tuple(PartialCall((f,), (args[1],), ()) for f in args[0]) if len(args) > 1 else UNKNOWN


def _named_tuple(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``namedtuple("Pair", "session name")``: calling it makes one."""
    names = args[1] if len(args) > 1 else dict(keywords).get("field_names", UNKNOWN)
    return (PartialCall((Ext(f"{NAMED_TUPLE}()"),), (names,), ()),)


def _make_named_tuple(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """One is a dictionary whose keys are attributes, and a sequence."""
    written = literal(args[0]) if args else None
    names = written.replace(",", " ").split() if isinstance(written, str) else []
    names = names or [n for a in args[0] if a.tag == "seq" for i in a.items if isinstance(n := literal(i), str)]
    given = {**dict(zip(names, args[1:], strict=False)), **dict(keywords)}
    in_order = [(n, given[n]) for n in names if n in given]
    return (
        Map((*in_order, NAMESPACE), True, frame.site(e[1])),
        Seq(tuple(given.get(n, UNKNOWN) for n in names)),
    )


def of_named_tuple(base: Value, name: str) -> Value | None:
    """An attribute of a named tuple: a field, or what gives a copy; ``None`` for anything else."""
    if len(base) != 2 or base[0].tag != "map" or base[1].tag != "seq" or NAMESPACE not in base[0].items:
        return None
    if name == "_replace":
        return (PartialCall((Ext(_REPLACE),), (base,), ()),)
    held: Value | None = base[0].get(name)
    return held


def _replace_fields(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``pair._replace(port=6543)``: the same with other fields."""
    fields, items = args[0][0], args[0][1].items
    given = dict(keywords)
    names = [k for k, _ in fields.items if isinstance(k, str)]
    if UNKNOWN_KEYWORDS in given or len(names) != len(items):
        return UNKNOWN
    known = [(n, given.get(n, fields.get(n))) for n in names]
    return (Map((*known, NAMESPACE), True, frame.site(e[1])), Seq(tuple([value for _, value in known])))


def _property(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``name = property(read)`` in a class body."""
    return (PartialCall(PROPERTY, tuple(args[:1]), ()),) if args else UNKNOWN


def _suppress(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``suppress(Error)``: entering it swallows these errors in its block."""
    return (PartialCall(SUPPRESSING, tuple(args), ()),)


def _type(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return class_of(frame, args[0]) if len(args) == 1 else UNKNOWN


SPECIAL: dict[str, Special] = {
    "builtins.getattr": _getattr, "builtins.int": _integer,
    "operator.methodcaller": _method_caller, "operator.methodcaller()": _call_method,
    "operator.attrgetter": _attribute_getter, "operator.attrgetter()": _get_attribute,
    "operator.call": _call,
    "builtins.globals": _globals, "builtins.vars": _vars, "builtins.__import__": _import,
    "contextvars.ContextVar": _context_variable, "builtins.type": _type, "typing.TypeVar": _type_variable,
    "typing.TypeAliasType": _alias_type, "builtins.setattr": _set_attribute,
    "builtins.object.__setattr__": _set_attribute,
    "sqlalchemy.orm.attributes.flag_modified": _flag_changed, "sqlalchemy.orm.attributes.flag_dirty": _flag_changed,
    "sqlalchemy.orm.attributes.set_attribute": _flag_changed,
    "types.SimpleNamespace": _namespace, "types.MappingProxyType": _itself, "types.MethodType": _bound_method,
    "collections.ChainMap": _chained, "collections.defaultdict": _default_dictionary,
    _REPLACE: _replace_fields, NAMED_TUPLE: _named_tuple, f"{NAMED_TUPLE}()": _make_named_tuple,
    "builtins.format": padding.formatted,
    "weakref.ref": _reference, "weakref.proxy": _itself, "builtins.property": _property,
    "functools.cached_property": _property, "contextlib.suppress": _suppress,
    "sqlalchemy.orm.object_session": _ambient("sqlalchemy.orm.Session()"),
    "sqlalchemy.orm.Session.object_session": _ambient("sqlalchemy.orm.Session()"),
    "sqlalchemy.ext.asyncio.async_object_session": _ambient("sqlalchemy.ext.asyncio.AsyncSession()"),
}  # fmt: skip
