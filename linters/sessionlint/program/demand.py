"""The demand-driven search: names that turn out to matter send passed-over functions to be evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from sessionlint.facts import screen
from sessionlint.program import knowledge, network, threads
from sessionlint.program.model import JOINED, ClassInfo, FunctionInfo
from sessionlint.program.values import Value

_MATTERS = frozenset({"txn", "create", "schedule"})
#: What is called, or is a call that has not run yet.
_CALLED = frozenset({"fn", "pending", "partial"})
#: What stands for something that others put there.
_PUT_IN = frozenset({"param", "obj"})
_MAKERS = frozenset((*knowledge.FACTORY_MAKERS, *knowledge.ENGINE_MAKERS, *knowledge.RAW_CONNECTIONS))
#: Methods of a parameter that tell a database session only where its callers say what they pass.
_ENDS = frozenset({"commit", "rollback", "begin", "begin_nested"})
#: What a ``with`` runs: it mentions neither of them.
_ENTERED = frozenset({"__enter__", "__aenter__", "__exit__", "__aexit__"})
#: What a method is kept of that ends a transaction when it is called under another name: ``self.end = session.commit``.
_RECEIVERS = frozenset({"param", "injected", "handle", "ext"})
#: Libraries whose names say nothing of tokens (``jws.verify``, ``Signer(key).unsign``), and all of which is about them.
_VERIFYING = frozenset({"authlib", "itsdangerous", "joserfc", "jose", "jwcrypto"})
#: Libraries of which every name makes an id: ``from nanoid import generate``.
_MAKING_IDS = frozenset({"cuid", "cuid2", "ksuid", "nanoid", "ulid"})
_UUID = "uuid.uuid"
_TELLING = _VERIFYING | _MAKING_IDS | {"importlib", "pkgutil"}
_IMPORTS = frozenset({"importlib", "importlib.import_module", "pkgutil", "pkgutil.resolve_name"})


#: Cells of what containers make for a type, which a function asks for by its name.
PROVIDED: Final = "makers"


def interesting(function: FunctionInfo, kind_of: Callable[[Any], str | None]) -> bool:
    """Whether callers of a function must be looked at: it hands out a handle or changes transactions."""
    summary = function.summary
    if any(e.kind in _MATTERS for e in summary.effects):
        return True
    if any(e.kind == "unknown" and e.name in _ENDS for e in function.events):
        return True
    handed = (*summary.returns, *summary.yields)
    if function.is_property and any(_is_called_for(a) for a in handed):
        return True
    if any(a.tag in ("handle", "injected") or (a.tag == "inst" and kind_of(a)) or _makes(a) for a in handed):
        return True
    # one called after an id is told of itself
    return any(_is_of_uuid(a) for a in summary.returns) and not function.name.endswith("_id")


def _is_of_uuid(atom: Any) -> bool:
    """Whether a text is put around a UUID, or cut out of one, as ids of a project's own format are."""
    if atom.tag == "text" and atom.holes:
        return "/" not in atom.text and any(h.tag == "ext" and h.name.startswith(_UUID) for h in atom.holes)
    return bool(atom.tag == "ext" and atom.name.startswith(_UUID) and atom.name.endswith(("[]", "split()")))


def _calls_one(atom: Any, makers: set[FunctionInfo]) -> bool:
    if atom.tag == "partial":
        return any(_calls_one(a, makers) for a in atom.function)
    return atom.tag in _CALLED and atom.info in makers


Imports = Mapping[tuple[str, str], list[tuple[str, int, str]]]
"""File and name -> module, level and name there, for names imported at the top of a file."""


def makers(functions: Iterable[FunctionInfo], kind_of: Callable[[Any], str | None]) -> frozenset[FunctionInfo]:
    """The interesting ones among functions, and those that hand out such a function or a call of it."""
    found: set[FunctionInfo] = set()
    handing: list[FunctionInfo] = []
    for function in functions:
        if function.evaluated and interesting(function, kind_of):
            found.add(function)
        elif function.evaluated and any(a.tag in _CALLED for a in function.summary.returns):
            handing.append(function)
    more = set(handing)
    while more:
        more = {f for f in handing if f not in found and any(_calls_one(a, found) for a in f.summary.returns)}
        found |= more
    return frozenset(found)


def names_that_matter(
    cells: Mapping[Any, Value], lazy: Imports, makers: frozenset[FunctionInfo], tenants: Iterable[str]
) -> frozenset[str]:
    """Names under which interesting functions, classes, handles and columns of ``tenants`` are known here."""
    owners: set[Any] = {*tenants}
    owners |= {f.class_info for f in makers if f.class_info is not None}
    names = {f.name for f in makers if not f.name.startswith("__") and f.name != "<lambda>"}
    names |= {f.class_info.name for f in makers if f.class_info is not None}
    entered: set[Any] = {f.class_info for f in makers if f.name in _ENTERED}
    for key, value in cells.items():
        if key[0] == JOINED:
            names.add(key[2])
        elif key[0] == PROVIDED:
            if _has_session(key[1], value, cells):
                names.add(key[1].name)
        elif key[0] in ("name", "attr"):
            given = [g for a in value if a.tag in _PUT_IN for g in cells.get(_cell_of(a), ())]
            declared = bool(entered) and key[0] == "attr" and _is_declared(value, entered)
            if declared or any(_atom_matters(a, makers, owners) for a in (*value, *given)):
                names.add(key[2])
    names |= {
        alias
        for (_, alias), targets in lazy.items()
        if any(_renamed(alias, t[2]) or t[0].partition(".")[0] in _TELLING for t in targets)
    }
    return frozenset(names)


def _has_session(asked: Any, makers: Value, cells: Mapping[Any, Value]) -> bool:
    """Whether a container makes the objects of a class with something that it makes, too."""
    if not isinstance(asked, ClassInfo):
        return False
    return any(a.tag == "inst" and a.bindings for maker in makers for a in cells.get(("injected", maker), ()))


def _cell_of(atom: Any) -> tuple[Any, ...]:
    """The cell of what callers pass for a parameter, or of what is put into a context variable."""
    return ("param", atom.info, atom.name) if atom.tag == "param" else ("context", atom.site)


def _is_declared(value: Value, owners: set[Any]) -> bool:
    """Whether a value is a parameter that is declared to be an object of one of these classes."""
    given = (a.info.param_values.get(a.name, ((), ()))[0] for a in value if a.tag == "param")
    return any(a.tag == "cls" and a.info in owners for declared in given for a in declared)


def with_aliases(found: frozenset[str], lazy: Imports) -> frozenset[str]:
    """These names, and those under which they are imported."""
    names = set(found)
    grown = True
    while grown:
        aliases = {
            alias for (_, alias), targets in lazy.items() if alias not in names and any(t[2] in names for t in targets)
        }
        names |= aliases
        grown = bool(aliases)
    return frozenset(names)


def _opens(atom: Any) -> bool:
    """Whether an atom is a library's class or function whose name can matter, or an object that verifies tokens."""
    if atom.tag != "ext":
        return False
    if "()" not in atom.name and screen.matters(atom.name.rpartition(".")[2]):
        return True
    return atom.name in _IMPORTS or atom.name.partition(".")[0] in _VERIFYING


def _is_called_for(atom: Any) -> bool:
    """Whether an atom is a library's class, function or object that does something that matters when it is called."""
    if atom.tag != "ext":
        return False
    return _opens(atom) or (atom.name.endswith("()") and network.request_of(atom.name) is not None)


def _makes(atom: Any) -> bool:
    """Whether an atom is a library's class or function that makes sessions, engines or connections, or a thread."""
    if atom.tag == "obj":
        return atom.name in threads.OBJECTS
    return bool(atom.tag == "ext") and (atom.name in _MAKERS or knowledge.handle_kind(atom.name) is not None)


def _renamed(alias: str, name: str) -> bool:
    """Whether an import gives a name that matters one that does not show it."""
    return alias != name and bool(name) and not screen.matters(alias) and screen.matters(name)


def _atom_matters(atom: Any, makers: frozenset[FunctionInfo], owners: set[Any]) -> bool:
    tag = atom.tag
    if tag == "handle":
        return bool(atom.kind != "transaction")
    if tag in ("fn", "pending"):
        return atom.info in makers
    if tag == "ext":
        return _is_called_for(atom)
    if tag == "column":
        # the column itself by another name: ``scope = Item.tenant_id``
        return atom.name in owners
    if tag == "obj":
        return atom.name in threads.OBJECTS
    if tag == "inst" and atom.bindings and any(_makes(a) or _opens(a) for _, v in atom.bindings for a in v):
        # it keeps what makes engines or decodes tokens, and may hand that out
        return True
    if tag in ("cls", "inst"):
        return atom.info in owners
    if tag == "method":
        return atom.name in _ENDS and atom.receiver.tag in _RECEIVERS
    if tag == "partial":
        return any(_atom_matters(a, makers, owners) for a in atom.function)
    if tag == "map":
        return any(_atom_matters(a, makers, owners) for _, v in atom.items for a in v)
    if tag == "seq":
        return any(_atom_matters(a, makers, owners) for v in atom.items for a in v)
    return False


def mentioning(functions: Iterable[FunctionInfo], names: frozenset[str]) -> list[FunctionInfo]:
    """Functions passed over so far that mention one of the names."""
    if not names:
        return []
    return [f for f in functions if not f.eager and not names.isdisjoint(f.facts[8].split(" "))]


class Joined(NamedTuple):
    """Names of functions that matter to whoever calls both: some leave a transaction open, others wait on a network."""

    opening: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()

    def __or__(self, other: object) -> Joined:
        """All of both."""
        assert isinstance(other, Joined)
        return Joined(self.opening | other.opening, self.waiting | other.waiting)

    @property
    def told_apart(self) -> frozenset[str]:
        """All the names, each with what it is for."""
        return frozenset([f"opening {name}" for name in self.opening] + [f"waiting {name}" for name in self.waiting])


def joined(functions: Iterable[FunctionInfo]) -> Joined:
    """The names of those among functions that write or lock rows, or wait."""
    opening: set[str] = set()
    waiting: set[str] = set()
    for function in functions:
        if not function.evaluated or function.name.startswith(("__", "<")):
            continue
        for effect in function.summary.effects:
            if effect.kind == "network":
                waiting.add(function.name)
            elif effect.kind == "hold" or (effect.kind == "use" and effect.name == "write"):
                opening.add(function.name)
    return Joined(frozenset(opening), frozenset(waiting))


def passing_on(functions: Iterable[FunctionInfo], names: Joined) -> Joined:
    """The names of functions passed over so far that mention one of these: they may do no more than to call it."""
    opening: set[str] = set()
    waiting: set[str] = set()
    for function in functions:
        if function.eager or function.name.startswith(("__", "<")):
            continue
        words = function.facts[8].split(" ")
        if not names.opening.isdisjoint(words):
            opening.add(function.name)
        if not names.waiting.isdisjoint(words):
            waiting.add(function.name)
    return Joined(frozenset(opening), frozenset(waiting))


def joining(functions: Iterable[FunctionInfo], names: Joined) -> list[FunctionInfo]:
    """Functions passed over so far that mention names of both kinds."""
    return mentioning(mentioning(functions, names.opening), names.waiting)


def callers_of(wanted: set[FunctionInfo], functions: Iterable[FunctionInfo]) -> list[FunctionInfo]:
    """Functions passed over so far that may call one of the wanted: they mention it, and can reach its module."""
    by_name: dict[str, set[FunctionInfo]] = {}
    for function in wanted:
        owner = function.class_info
        name = owner.name if owner is not None and function.name == "__init__" else function.name
        by_name.setdefault(name, set()).add(function)
    found: list[FunctionInfo] = []
    for function in functions if by_name else ():
        mentioned = () if function.eager else by_name.keys() & set(function.facts[8].split(" "))
        if any(_reaches(function, callee) for name in mentioned for callee in by_name[name]):
            found.append(function)
    return found


def _reaches(function: FunctionInfo, callee: FunctionInfo) -> bool:
    """Whether a function can know another: a method by any object, a function of a module by an import."""
    module = callee.module.name
    if callee.class_info is not None or function.module is callee.module:
        return True
    imported = ((dotted, f"{dotted}.{name}") for dotted, name, _, _ in function.module.imports)
    return any(module in names for names in imported) or module.rpartition(".")[2] in function.facts[8].split(" ")
