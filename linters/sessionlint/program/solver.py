"""The fixed point: functions are evaluated until no cell they read changes any more.

A *cell* holds a value that several functions share: a module's name, a class's attribute, a parameter's
arguments, a captured local. Whoever reads a cell is evaluated again when it grows; so results do not
depend on the order of files, and recursion and import cycles need no special case.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
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
    Mod,
    Param,
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
MAX_NESTING = 24


class Solver:
    """Modules, cells and the work list of one program."""

    def __init__(
        self,
        policy: Policy,
        names: ModuleNames,
        load: Callable[[str], ModuleInfo | None],
        run: Callable[[Solver, FunctionInfo], None],
        sign: Callable[[Solver, FunctionInfo], None],
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
        self._lazy: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
        self._cells: dict[Any, Value] = {}
        self._readers: dict[Any, dict[FunctionInfo, None]] = {}
        self._queue: deque[FunctionInfo] = deque()
        self._queued: set[FunctionInfo] = set()
        self._active: list[FunctionInfo] = []
        self._resolved: dict[Any, Value] = {}
        self._importing: set[tuple[str, str]] = set()
        self._mro: dict[ClassInfo, tuple[ClassInfo, ...]] = {}
        self._kinds: dict[ClassInfo, str | None] = {}

    # cells

    def read(self, key: Any) -> Value:
        """The value of a cell; the function being evaluated will be told when it changes."""
        if self._active:
            self._readers.setdefault(key, {})[self._active[-1]] = None
        return self._cells.get(key, UNKNOWN)

    def write(self, key: Any, value: Value) -> None:
        """Adds to a cell what it may hold."""
        if not value:
            return
        old = self._cells.get(key, UNKNOWN)
        if old is value:
            return
        new = join(old, shallow(value), MAX_ARGUMENTS if key[0] == "param" else MAX_ATOMS)
        if new is not old and new != old:
            self._cells[key] = new
            self._changed(key)

    def peek(self, key: Any) -> Value:
        """The value of a cell, for rules: no dependency is recorded."""
        return self._cells.get(key, UNKNOWN)

    def _changed(self, key: Any) -> None:
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
            wanted = demand.names_that_matter(self._cells, self._lazy, self.functions, self.kind_of)
            for function in demand.mentioning(self.functions, wanted - searched):
                function.eager = True
                self.enqueue(function.module.body)
                self.enqueue(function)
            searched |= wanted
            if not self._queue:
                return

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
            self.evaluate(module.body)
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

    def module_value(self, dotted: str, importer: str = "") -> Value:
        """The value of a dotted module name."""
        if self.names.path_of(dotted, importer) or self.names.is_namespace(dotted):
            return (Mod(dotted),)
        return (Ext(knowledge.canonical(dotted)),)

    def member(self, path: str, name: str) -> Value:
        """The value of a module-level name, through re-exports and star imports."""
        module = self.module(path)
        if module is None:
            return UNKNOWN
        value = self.read(("name", path, name))
        lazy = self._lazy.get((path, name))
        if lazy is not None and (path, name) not in self._importing:
            self._importing.add((path, name))
            for dotted, level, imported in lazy:
                value = join(self.import_name(path, dotted, level, imported), value)
            self._importing.discard((path, name))
        if value:
            return value
        for star in self.read(("stars", path)):
            if star.tag == "mod":
                target = self.names.path_of(star.name, path)
                if target and target != path and ("star", target, name) not in self._resolved:
                    self._resolved[("star", target, name)] = UNKNOWN
                    value = self.member(target, name)
                    del self._resolved[("star", target, name)]
                    if value:
                        return value
            elif star.tag == "ext" and name[:1].isalpha():
                candidate = knowledge.canonical(f"{star.name}.{name}")
                if star.name.startswith(("sqlalchemy", "sqlmodel", "fastapi")) and not name.startswith("__"):
                    return (Ext(candidate),)
        return self.read(("getattr", path))

    # types

    def flow(self, function: FunctionInfo, name: str, value: Value) -> None:
        """Adds a call's argument to what a parameter may be."""
        own = Param(function, name)
        self.write(("param", function, name), tuple(a for a in value if a != own))

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
        annotation, default = atom.info.param_values.get(atom.name, (UNKNOWN, UNKNOWN))
        typed = self.instances(annotation)
        if typed and not any(a.tag in ("inst", "ext") for a in typed):
            return typed
        passed = tuple(a for a in self.arguments_of(atom) if a.tag != "param")
        known = join(typed, tuple(a for a in default if a.tag != "const" or a.value is not None))
        return join(known, passed) if not typed or passed else known

    def instances(self, annotation: Value) -> Value:
        """Atoms for "an instance of" an annotation's value."""
        out: list[Any] = []
        for atom in annotation:
            if atom.tag == "annotated" and literal(atom.metadata) == "class":
                out.extend(atom.type)
            elif atom.tag == "annotated":
                out.extend(self.instances(atom.type))
            elif atom.tag == "ext":
                out.append(Ext(f"{atom.name}()"))
            elif atom.tag == "cls":
                out.append(Inst(atom.info))
            elif atom.tag == "handle":
                out.append(atom)
        return tuple(dict.fromkeys(out))

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
            for base in bases:
                if base.tag == "cls":
                    self.write(("subclasses", base.info), (Cls(info),))

    def external_bases(self, info: ClassInfo) -> set[str]:
        """Import paths of all bases outside the project."""
        return {b.name for c in self.mro(info) for b in c.bases if b.tag == "ext"}

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
        body = ir.body_of(function.facts)
        if not body:
            return True
        last = body[-1]
        return len(body) == 1 and last[0] == "!" and "NotImplemented" in ir.text_of(last[2])

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
            value = join(value, self.read(("attr", cls, name)))
        if len(value) > 1 and any(a.tag != "ext" and self.kind_of(a) for a in value):
            # a declared type says nothing new once the object itself is known
            value = tuple(a for a in value if a.tag != "ext" or not self.kind_of(a))
        return value

    def bound(self, function: FunctionInfo, receiver: Any) -> Fn:
        """A method seen through an instance or class."""
        return Fn(function, None if function.is_staticmethod else receiver)
