"""Containers that live as long as a module and are no plain lists or dictionaries: caches, dictionaries within."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.by_key import DEFAULTS
from sessionlint.program.class_containers import makes_container
from sessionlint.program.frame import Frame
from sessionlint.program.knowledge import APPLICATION_STATES, ROUTERS
from sessionlint.program.values import UNKNOWN, Map, Param, Value

#: Classes of libraries that are dictionaries with a bound or a time for what they hold.
CACHES: Final[tuple[str, ...]] = (
    "cachetools.Cache", "cachetools.FIFOCache", "cachetools.LFUCache", "cachetools.LRUCache", "cachetools.MRUCache",
    "cachetools.RRCache", "cachetools.TLRUCache", "cachetools.TTLCache", "expiringdict.ExpiringDict", "lru.LRU",
)  # fmt: skip
#: Where a ``store`` event says that something is kept: in the default of a parameter.
DEFAULT: Final = "default"
#: Attributes that are the application, or its state.
_HANGS_ON: Final = ("state", "app")
#: Applications that are dictionaries: all that they run is given, or takes, what is in there.
APPLICATIONS: Final = frozenset({
    "aiohttp.web.Application()", "aiohttp.web_app.Application()",
    "aiogram.Dispatcher()", "aiogram.dispatcher.dispatcher.Dispatcher()",
})  # fmt: skip
_DICTIONARIES: Final = frozenset({"builtins.dict", "collections.OrderedDict", "collections.UserDict", *CACHES})


def cache(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``TTLCache(maxsize=100, ttl=60)``: a dictionary; what it is told says nothing of what is in it."""
    site = frame.site(e[1])
    frame.made.add(site)
    return (Map((), True, site),)


def note(frame: Frame, holder: ir.Expr, owner: Value, value: Value, target: ir.Expr) -> None:
    """Something is put under a key of ``holder``: into a container within one of a module, or into a module's object
    of a class that is derived from a dictionary."""
    if holder[0] == "i":
        root = holder
        while root[0] == "i":
            root = root[2]
        if is_of_module(frame, root) and _holds_by_key(frame.evaluate(root)):
            frame.store("global", ir.text_of(target), value, target[1])
    elif is_of_module(frame, holder) and any(_is_dictionary(frame, a) for a in owner):
        frame.store("global", ir.text_of(target), value, target[1])


def note_state(frame: Frame, holder: ir.Expr, value: Value, span: ir.Span4, text: str) -> None:
    """Something is put into a container that hangs on the application: ``app.state.open.append(session)``."""
    while holder[0] == "i":
        holder = holder[2]
    if holder[0] != "a" or (holder[2][0] != "n" and (holder[2][0] != "a" or holder[2][3] not in _HANGS_ON)):
        return
    owners = frame.evaluate(holder[2])
    passed = [v for a in owners if a.tag == "param" for v in frame.solver.ask("views_among", a, ("ext", "obj"))]
    for atom in (*owners, *passed):
        if atom.tag == "ext" and atom.name in APPLICATION_STATES:
            frame.store("state", text, value, span)
            return
        if atom.tag in ("ext", "obj") and atom.name in ROUTERS:
            frame.store("object", text, value, span)
            return


def note_application(frame: Frame, owner: Value, value: Value, span: ir.Span4, text: str) -> None:
    """``app["session"] = …`` of an application that is a dictionary itself."""
    for atom in owner:
        if atom.tag in ("ext", "obj") and atom.name in APPLICATIONS:
            frame.store("state", text, value, span)
            return


def note_default(frame: Frame, holder: ir.Expr, value: Value, span: ir.Span4) -> None:
    """Something is put into ``seen`` of ``def f(seen=[])``: that list is one for all calls that pass none."""
    if holder[0] != "n" or not value:
        return
    function = frame.function
    for name, _, _, default, _ in function.params:
        if name == holder[2] and default is not None and makes_container(default):
            if Param(function, name) in frame.env.get(name, UNKNOWN):
                frame.store(DEFAULT, name, value, span)
            return


def is_of_module(frame: Frame, holder: ir.Expr) -> bool:
    """Whether a name, read in a function, is one of the module: neither the function's own nor one of those around."""
    if holder[0] != "n" or holder[2] in frame.env or frame.function.name == "<module>":
        return False
    parent = frame.function.parent
    while parent is not None and parent.name != "<module>":
        if frame.solver.peek(("local", parent, holder[2])):
            return False
        parent = parent.parent
    return True


def _holds_by_key(value: Value) -> bool:
    return DEFAULTS in value or any(a.tag == "map" for a in value)


def _is_dictionary(frame: Frame, atom: Any) -> bool:
    if atom.tag != "inst" or frame.solver.external_bases(atom.info).isdisjoint(_DICTIONARIES):
        return False
    return frame.solver.method(atom.info, "__setitem__") is None
