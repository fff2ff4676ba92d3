"""The fixed point: functions are evaluated until no cell they read changes any more.

A *cell* holds a value that several functions share: a module's name, a class's attribute, a parameter's
arguments, a captured local. Whoever reads a cell is evaluated again when it grows; so results do not
depend on the order of files, and recursion and import cycles need no special case.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import demand, knowledge
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo, Summary
from sessionlint.program.modules import ModuleNames
from sessionlint.program.values import (
    MAX_ARGUMENTS,
    MAX_ATOMS,
    UNKNOWN,
    Cls,
    Ext,
    Fn,
    Inst,
    Map,
    Mod,
    Param,
    PartialCall,
    Seq,
    Value,
    join,
    literal,
    shallow,
)

if TYPE_CHECKING:
    from sessionlint.policy import Policy

#: A function is evaluated at most this often; values only grow, so this bounds pathological programs.
MAX_VISITS = 14
#: Callees are evaluated at once up to this nesting, then queued.
MAX_NESTING = 60
#: Declared types that leave open what an argument is.
_VAGUE = ("typing.", "builtins.", "collections.")
#: So many literals are kept per parameter.
_LITERALS = 4
#: Libraries whose star imports are followed.
_STARRED = ("sqlalchemy", "sqlmodel", "fastapi")
_NAME_CELLS = frozenset({"name", "stars", "getattr"})


class Solver:
    """Modules, cells and the work list of one program."""

    def __init__(
        self,
        policy: Policy,
        names: ModuleNames,
        load: Callable[[str], ModuleInfo | None],
        run: Callable[[Solver, FunctionInfo], None],
        sign: Callable[[Solver, FunctionInfo], None],
        policy_names: frozenset[str] = frozenset(),
    ) -> None:
        self.policy = policy
        self.names = names
        self.modules: dict[str, ModuleInfo] = {}
        self.functions: list[FunctionInfo] = []
        self.classes: list[ClassInfo] = []
        self.statistics: Counter[str] = Counter()
        self.routers: dict[Any, dict[str, Any]] = {}
        self.includes: list[tuple[Any, Any, Value, Any]] = []
        #: place of an ``include_router`` -> its keywords
        self.include_options: dict[Any, dict[str, Value]] = {}
        self._load = load
        self._run = run
        self._sign = sign
        self._policy_names = policy_names
        self._lazy: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
        self._cells: dict[Any, Value] = {}
        self._readers: dict[Any, dict[FunctionInfo, None]] = {}
        self._queue: deque[FunctionInfo] = deque()
        self._queued: set[FunctionInfo] = set()
        self._active: list[FunctionInfo] = []
        self._importing: set[tuple[str, str]] = set()
        #: resolved names: epoch, value, and the cells that were read on the way
        self._members: dict[tuple[str, str], tuple[int, Value, tuple[Any, ...]]] = {}
        self._followed: list[Any] = []
        self._waiting: list[FunctionInfo] = []
        self._epoch = 0
        self._mro: dict[ClassInfo, tuple[ClassInfo, ...]] = {}
        self._kinds: dict[ClassInfo, str | None] = {}
        self._declared: dict[Param, tuple[Value, bool]] = {}

    # cells

    def read(self, key: Any) -> Value:
        """The value of a cell; the function being evaluated will be told when it changes."""
        self._note(key)
        return self._cells.get(key, UNKNOWN)

    def _note(self, key: Any) -> None:
        if self._active:
            readers = self._readers.get(key)
            if readers is None:
                self._readers[key] = {self._active[-1]: None}
            else:
                readers[self._active[-1]] = None

    def write(self, key: Any, value: Value) -> None:
        """Adds to a cell what it may hold."""
        if not value:
            return
        old = self._cells.get(key, UNKNOWN)
        if old is value or (old and all(a in old for a in value)):
            return
        new = join(old, shallow(value), MAX_ARGUMENTS if key[0] == "param" else MAX_ATOMS)
        if new is not old and new != old:
            self._cells[key] = new
            self._changed(key)

    def peek(self, key: Any) -> Value:
        """The value of a cell, for rules: no dependency is recorded."""
        return self._cells.get(key, UNKNOWN)

    def long_lived(self) -> Iterator[Value]:
        """What names of modules and attributes of applications hold, for rules."""
        for key, value in self._cells.items():
            if key[0] == "name" or (key[0] == "state" and key[1] == "app.state"):
                yield value

    def _changed(self, key: Any) -> None:
        if key[0] in _NAME_CELLS:
            self._epoch += 1
        for reader in self._readers.get(key, ()):
            self.enqueue(reader)

    def enqueue(self, function: FunctionInfo) -> None:
        """Puts a function on the work list."""
        if function not in self._queued and function.visits < MAX_VISITS:
            self._queued.add(function)
            self._queue.append(function)

    # evaluation

    def solve(self) -> None:
        """Evaluates until nothing changes, and until no skipped function mentions a name that turned out to matter."""
        searched: frozenset[str] = frozenset()
        while True:
            while self._queue:
                function = self._queue.popleft()
                self._queued.discard(function)
                self.evaluate(function)
            wanted = self._policy_names | demand.names_that_matter(
                self._cells, self._lazy, self.functions, self.kind_of
            )
            for function in demand.mentioning(self.functions, wanted - searched):
                function.eager = True
                self.enqueue(function.module.body)
                self.enqueue(function)
            searched |= wanted
            if not self._queue:
                return

    def want(self, function: FunctionInfo) -> None:
        """Has a function evaluated that is used without being called in sight (by FastAPI, for example)."""
        function.eager = True
        self.ensure_signed(function)
        if not function.evaluated:
            self.enqueue(function)

    def ensure_signed(self, function: FunctionInfo) -> None:
        """Annotations and defaults of a function that was passed over so far."""
        if not function.signed:
            self._sign(self, function)

    def evaluate(self, function: FunctionInfo) -> None:
        """Evaluates one function now and tells readers of its summary."""
        function.visits += 1
        before = function.summary.key
        self._active.append(function)
        try:
            self._run(self, function)
        except RecursionError:
            self.statistics["functions too deeply nested to evaluate"] += 1
        finally:
            self._active.pop()
        function.evaluated = True
        if function.summary.key != before:
            self._changed(("summary", function))

    def summary_of(self, function: FunctionInfo) -> Summary:
        """What is known of a callee so far; evaluates it first when that is possible."""
        self._readers.setdefault(("summary", function), {})
        if self._active:
            self._readers[("summary", function)][self._active[-1]] = None
        if not function.evaluated:
            function.eager = True
            if function not in self._active and len(self._active) < MAX_NESTING:
                self._queued.discard(function)
                self.evaluate(function)
            else:
                self.enqueue(function)
        return function.summary

    # names

    def module(self, path: str) -> ModuleInfo | None:
        """The module of a file, its body evaluated (or being evaluated)."""
        module = self.modules.get(path)
        if module is None:
            module = self._load(path)
            if module is None:
                return None
            self.modules[path] = module
        if not module.body.evaluated and not module.in_progress:
            module.in_progress = True
            outer = (self._importing, self._followed, self._waiting)
            self._importing, self._followed, self._waiting = set(), [], []
            self.evaluate(module.body)
            self._importing, self._followed, self._waiting = outer
            module.in_progress = False
        return module

    def import_name(self, importer: str, module: str, level: int, name: str | None) -> Value:
        """What ``from module import name`` (or ``import module``) gives in file ``importer``."""
        dotted = self.names.absolute(importer, module, level)
        if name is None:
            return self.module_value(dotted, importer)
        path = self.names.path_of(dotted, importer)
        if path is not None:
            value = self.member(path, name)
            if value:
                return value
        if self.names.path_of(f"{dotted}.{name}", importer) or self.names.is_namespace(f"{dotted}.{name}"):
            return (Mod(f"{dotted}.{name}"),)
        if path is not None or level:
            return UNKNOWN
        return (Ext(knowledge.canonical(f"{dotted}.{name}")),)

    def import_later(self, path: str, alias: str, module: str, level: int, name: str) -> None:
        """A module-level ``from … import``: the other file is read when the name is used."""
        entries = self._lazy.setdefault((path, alias), [])
        if (module, level, name) not in entries:
            entries.append((module, level, name))
            self._epoch += 1

    def module_value(self, dotted: str, importer: str = "") -> Value:
        """The value of a dotted module name."""
        if self.names.path_of(dotted, importer) or self.names.is_namespace(dotted):
            return (Mod(dotted),)
        return (Ext(knowledge.canonical(dotted)),)

    def member(self, path: str, name: str) -> Value:
        """The value of a module-level name, through re-exports and star imports."""
        outermost = not self._importing
        known = self._members.get((path, name))
        if known is not None and known[0] == self._epoch:
            for key in known[2]:
                self._note(key)
            return known[1]
        if outermost:
            self._followed = []
        value = self._member(path, name)
        if outermost:
            self._members[(path, name)] = (self._epoch, value, tuple(dict.fromkeys(self._followed)))
            waiting, self._waiting = self._waiting, []
            for function in waiting if value else ():
                self.enqueue(function)
        return value

    def _member(self, path: str, name: str) -> Value:
        if self.module(path) is None:
            return UNKNOWN
        if (path, name) in self._importing:
            if self._active:
                self._waiting.append(self._active[-1])
            return UNKNOWN
        self._importing.add((path, name))
        value = self._follow(("name", path, name))
        for dotted, level, imported in self._lazy.get((path, name), ()):
            value = join(self.import_name(path, dotted, level, imported), value)
        if not value:
            value = self._starred(path, name) or self._follow(("getattr", path))
        self._importing.discard((path, name))
        return value

    def _starred(self, path: str, name: str) -> Value:
        for star in self._follow(("stars", path)):
            if star.tag == "mod":
                target = self.names.path_of(star.name, path)
                value = self.member(target, name) if target and target != path else UNKNOWN
                if value:
                    return value
            elif star.tag == "ext" and name[:1].isalpha() and star.name.startswith(_STARRED):
                return (Ext(knowledge.canonical(f"{star.name}.{name}")),)
        return UNKNOWN

    def _follow(self, key: Any) -> Value:
        """Reads a cell of a module while a name is resolved."""
        self._followed.append(key)
        return self.read(key)

    # types

    def flow(self, function: FunctionInfo, name: str, value: Value) -> None:
        """Adds a call's argument to what a parameter may be."""
        own = Param(function, name)
        kept = tuple([a for a in value if a != own and (a.tag != "const" or a.kind == "str")])
        if kept and kept[0].tag == "const":
            # which literals are passed matters for a helper's SQL or column name, not for every caller's label
            known = self._cells.get(("param", function, name), UNKNOWN)
            if sum(a.tag == "const" for a in known) >= _LITERALS:
                return
        self.write(("param", function, name), kept)

    def arguments_of(self, param: Param) -> Value:
        """What callers pass for a parameter, through their own parameters (which are listed too)."""
        found: dict[Any, None] = {}
        pending = [param]
        reached = {param}
        while pending and len(reached) < 200:
            current = pending.pop()
            for atom in self.read(("param", current.info, current.name)):
                found[atom] = None
                if atom.tag == "param" and atom not in reached:
                    reached.add(atom)
                    pending.append(atom)
        found.pop(param, None)
        return tuple(found)[:MAX_ARGUMENTS]

    def views(self, atom: Any) -> Value:
        """What a parameter or injected object is, by annotation, default and arguments."""
        if atom.tag == "injected":
            return self.read(("injected", atom.source))
        declared = self._declared.get(atom)
        if declared is None:
            declared = self._declare(atom)
        known, complete = declared
        if complete:
            return known
        given: dict[Any, None] = {}
        for argument in self.arguments_of(atom):
            if argument.tag == "param":
                declared = argument.info.param_values.get(argument.name, (UNKNOWN, UNKNOWN))[0]
                given.update(dict.fromkeys(self.instances(declared)))
            else:
                given[argument] = None
        return join(known, tuple(given))

    def declare(self, function: FunctionInfo, name: str, annotation: Value, default: Value) -> None:
        """Notes what a parameter's annotation and default evaluate to."""
        if function.param_values.get(name) != (annotation, default):
            function.param_values[name] = (annotation, default)
            self._declared.pop(Param(function, name), None)

    def _declare(self, atom: Param) -> tuple[Value, bool]:
        """What annotation and default say of a parameter, and whether that is all there is to know."""
        given = atom.info.param_values.get(atom.name)
        if given is None:
            return UNKNOWN, False
        annotation, default = given
        typed = self.instances(annotation)
        known = join(typed, tuple(a for a in default if a.tag != "const" or a.value is not None))
        declared = (known, any(self._tells_all(a) for a in typed))
        self._declared[atom] = declared
        return declared

    def _tells_all(self, typed: Any) -> bool:
        """Whether a declared type says as much as the arguments would: a library's or a concrete project class."""
        if typed.tag == "ext":
            return not typed.name.startswith(_VAGUE)
        if typed.tag == "inst":
            return not any(b.endswith((".Protocol", ".ABC")) for b in self.external_bases(typed.info))
        return bool(typed.tag == "handle")

    def instances(self, annotation: Value) -> Value:
        """Atoms for "an instance of" an annotation's value."""
        out: list[Any] = []
        for atom in annotation:
            if atom.tag == "annotated" and literal(atom.metadata) == "class":
                out.extend(atom.type)
            elif atom.tag == "annotated" and any(a.tag == "const" and a.kind == "container" for a in atom.metadata):
                out.append(self._contained(atom.type[0], literal(atom.metadata)))
            elif atom.tag == "annotated" and literal(atom.metadata) == "callable":
                out.append(PartialCall((Ext(knowledge.DECLARED_CALL),), (atom.type,), ()))
            elif atom.tag == "annotated":
                out.extend(self.instances(atom.type))
            elif atom.tag == "ext":
                out.append(Ext(f"{atom.name}()"))
            elif atom.tag == "cls":
                out.append(Inst(atom.info))
            elif atom.tag == "handle":
                out.append(atom)
        return tuple(dict.fromkeys(out))

    def _contained(self, items: Seq, of: str) -> Any:
        """An instance of a declared container: a sequence, a dictionary, something to call."""
        values = tuple(self.instances(v) for v in items.items)
        if of == "keyed":
            return Map(((("?",), values[0]),), True)
        return Seq(values, items.many)

    def kind_of(self, atom: Any, seen: int = 0) -> str | None:
        """The kind of database handle an atom is, or ``None``."""
        tag = atom.tag
        if tag == "handle":
            kind: str = atom.kind
            return kind
        if tag == "ext":
            return knowledge.handle_kind(atom.name[:-2]) if atom.name.endswith("()") else None
        if tag in ("param", "injected") and seen < 6:
            for view in self.views(atom):
                found = self.kind_of(view, seen + 1)
                if found:
                    return found
        if tag == "inst":
            return self.class_kind(atom.info)
        return None

    def is_async(self, atom: Any, seen: int = 0) -> bool:
        """Whether a handle is of SQLAlchemy's asyncio flavour."""
        if atom.tag == "handle":
            return bool(atom.is_async)
        if atom.tag == "ext":
            return atom.name[:-2] in knowledge.ASYNC_TYPES
        if atom.tag in ("param", "injected") and seen < 6:
            return any(self.is_async(v, seen + 1) for v in self.views(atom))
        if atom.tag == "inst":
            return any(b.tag == "ext" and b.name in knowledge.ASYNC_TYPES for c in self.mro(atom.info) for b in c.bases)
        return False

    # classes

    def mro(self, info: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its project bases, nearest first (without duplicates)."""
        known = self._mro.get(info)
        if known is not None:
            return known
        out: list[ClassInfo] = []
        pending = [info]
        while pending and len(out) < 40:
            current = pending.pop(0)
            if current in out:
                continue
            out.append(current)
            pending.extend(a.info for a in current.bases if a.tag == "cls")
        self._mro[info] = result = tuple(out)
        return result

    def set_bases(self, info: ClassInfo, bases: Value) -> None:
        """Notes the evaluated bases of a class."""
        if info.bases != bases:
            info.bases = bases
            self._mro.clear()
            self._kinds.clear()
            self._declared.clear()
            for base in bases:
                if base.tag == "cls":
                    self.write(("subclasses", base.info), (Cls(info),))

    def external_bases(self, info: ClassInfo) -> set[str]:
        """Import paths of all bases outside the project."""
        return {b.name for c in self.mro(info) for b in c.bases if b.tag == "ext"}

    def field_names(self, info: ClassInfo) -> list[str]:
        """The fields of a named tuple, in order; nothing for other classes."""
        if "typing.NamedTuple" not in self.external_bases(info):
            return []
        return [n for cls in reversed(self.mro(info)) for n in cls.attributes]

    def is_record(self, info: ClassInfo) -> bool:
        """Whether instances are subscripted or unpacked by field: named tuples and typed dictionaries."""
        return not self.external_bases(info).isdisjoint(("typing.NamedTuple", "typing.TypedDict"))

    def class_kind(self, info: ClassInfo) -> str | None:
        """The kind of handle instances of a class are, when it derives from one of the libraries' classes."""
        if info not in self._kinds:
            found = [knowledge.handle_kind(b) for b in sorted(self.external_bases(info))]
            self._kinds[info] = next((k for k in found if k), None)
        return self._kinds[info]

    def method(self, info: ClassInfo, name: str) -> FunctionInfo | None:
        """The method instances of a class would use."""
        for cls in self.mro(info):
            if name in cls.methods:
                return cls.methods[name]
        return None

    @staticmethod
    def is_abstract(function: FunctionInfo) -> bool:
        """Whether a method only declares: no statements, or nothing but ``raise NotImplementedError``."""
        if function.abstract is None:
            body = function.body
            last = body[-1] if body else None
            function.abstract = last is None or (
                len(body) == 1 and last[0] == "!" and "NotImplemented" in ir.text_of(last[2])
            )
        return function.abstract

    def overrides(self, info: ClassInfo, name: str) -> list[FunctionInfo]:
        """What sub-classes define in place of an abstract method."""
        found: list[FunctionInfo] = []
        pending, seen = [info], {info}
        while pending and len(seen) < 40:
            for atom in self.read(("subclasses", pending.pop())):
                if atom.info in seen:
                    continue
                seen.add(atom.info)
                pending.append(atom.info)
                method = atom.info.methods.get(name)
                if method is not None and not self.is_abstract(method):
                    found.append(method)
        return found

    def attribute(self, info: ClassInfo, name: str) -> Value:
        """What an attribute of instances may hold (assignments anywhere, class body included)."""
        value: Value = UNKNOWN
        for cls in self.mro(info):
            init = cls.methods.get("__init__")
            if init is not None and not init.evaluated and init not in self._active:
                self.summary_of(init)
            value = join(value, self.read(("attr", cls, name)))
        if not value:
            value = self._of_subclasses(info, name)
        if len(value) > 1 and any(a.tag != "ext" and self.kind_of(a) for a in value):
            # a declared type says nothing new once the object itself is known
            value = tuple(a for a in value if a.tag != "ext" or not self.kind_of(a))
        return value

    def _of_subclasses(self, info: ClassInfo, name: str) -> Value:
        """What the classes that a mixin is mixed into keep in an attribute: handles only."""
        value: Value = UNKNOWN
        pending, seen = [info], {info}
        while pending and len(seen) < 40:
            for atom in self.read(("subclasses", pending.pop())):
                if atom.info in seen:
                    continue
                seen.add(atom.info)
                pending.append(atom.info)
                for cls in self.mro(atom.info):
                    value = join(value, self.read(("attr", cls, name)))
        return tuple(a for a in value if self.kind_of(a))

    def bound(self, function: FunctionInfo, receiver: Any) -> Fn:
        """A method seen through an instance or class."""
        return Fn(function, None if function.is_staticmethod else receiver)
