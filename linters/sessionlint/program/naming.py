"""What a name of a module means, through imports, re-exports and star imports."""

from __future__ import annotations

from typing import Any

from sessionlint.program import knowledge, star_imports
from sessionlint.program import memo as memory
from sessionlint.program.values import (
    BY_NAME,
    UNKNOWN,
    Ext,
    Mod,
    Value,
    join,
)
from sessionlint.program.worklist import WorkList


class Naming(WorkList):
    """Name resolution over cells, remembered as long as no module changes its names."""

    def import_name(self, importer: str, module: str, level: int, name: str | None) -> Value:
        """What ``from module import name`` (or ``import module``) gives in file ``importer``."""
        dotted = self.names.absolute(importer, module, level)
        self.remember(memory.FILES, None, self.names.identity)
        if name is None:
            return self.module_value(dotted, importer)
        path = self.names.path_of(dotted, importer)
        if path is not None:
            value = self.member(path, name)
            if value:
                return value
        if self.names.path_of(f"{dotted}.{name}", importer) or self.names.is_namespace(f"{dotted}.{name}"):
            return (Mod(f"{dotted}.{name}"),)
        if (path is not None or level) and not _is_generated(path, dotted, name):
            return UNKNOWN
        return (Ext(knowledge.canonical(f"{dotted}.{name}")),)

    def import_later(self, path: str, alias: str, module: str, level: int, name: str) -> None:
        """A module-level ``from … import``: the other file is read when the name is used."""
        self.remember(memory.IMPORT_LATER, (path, alias, module, level, name))
        entries = self._lazy.setdefault((path, alias), [])
        if (module, level, name) not in entries:
            entries.append((module, level, name))
            self.epoch += 1

    def module_value(self, dotted: str, importer: str = "") -> Value:
        """The value of a dotted module name."""
        self.remember(memory.FILES, None, self.names.identity)
        if self.names.path_of(dotted, importer) or self.names.is_namespace(dotted):
            return (Mod(dotted),)
        return (Ext(knowledge.canonical(dotted)),)

    def member(self, path: str, name: str) -> Value:
        """The value of a module-level name, through re-exports and star imports."""
        if self._trace is None:
            return self._found(path, name)
        # what is read on the way belongs to the name, not to who asks for it
        trace, self._trace = self._trace, None
        value = self._found(path, name)
        self._trace = trace
        self.remember(memory.MEMBER, (path, name), value)
        return value

    def _found(self, path: str, name: str) -> Value:
        outermost = not self.importing
        known = self._members.get((path, name))
        if known is not None and known[0] == self.epoch:
            for key in known[2]:
                self._note(key)
            return known[1]
        if outermost:
            self._followed = []
        value = self._member(path, name)
        if outermost:
            self._members[(path, name)] = (self.epoch, value, tuple(dict.fromkeys(self._followed)))
            waiting, self._waiting = self._waiting, []
            asking = self._active[-1] if self._active else None
            for function in waiting if value else ():
                if function is not asking:  # who asked gets the whole answer
                    self.enqueue(function)
        return value

    def _member(self, path: str, name: str) -> Value:
        if self.module(path) is None:
            return UNKNOWN
        if (path, name) in self.importing:
            if self._active:
                self._waiting.append(self._active[-1])
            return UNKNOWN
        self.importing.add((path, name))
        value = self._follow(("name", path, name))
        for dotted, level, imported in self._lazy.get((path, name), ()):
            value = join(self.import_name(path, dotted, level, imported), value)
        if not value:
            value = self._starred(path, name) or self._asked(path, name)
        self.importing.discard((path, name))
        return value

    def _starred(self, path: str, name: str) -> Value:
        libraries: list[str] = []
        given = False
        for star in self._follow(("stars", path)):
            if star.tag == "mod":
                target = self.names.path_of(star.name, path)
                value = self.member(target, name) if target and target != path else UNKNOWN
                if value:
                    return value
                given = given or (target is not None and self._is_defined(target, name))
            elif star.tag == "ext":
                libraries.append(star.name)
        if given or not libraries or self._is_defined(path, name):
            return UNKNOWN
        symbol = star_imports.found(libraries, name)
        return (Ext(symbol),) if symbol is not None else UNKNOWN

    def _is_defined(self, path: str, name: str) -> bool:
        """Whether a module's own statements give a name something, however little is known of that."""
        module = self.module(path)
        return module is not None and star_imports.is_bound(module.body.body, name)

    def _asked(self, path: str, name: str) -> Value:
        """A module's own ``__getattr__`` that knows the name, or passes it on to another module."""
        out: Value = UNKNOWN
        for asked in self._follow(("name", path, "__getattr__")):
            if asked.tag == "fn":
                self.summary_of(asked.info)
                out = join(out, self._follow(("getattr", path, name)))
        for atom in self._follow(("getattr", path)):
            for base in atom.args[0] if atom.tag == "partial" and atom.function == BY_NAME else ():
                target = self.names.path_of(base.name, path) if base.tag == "mod" else None
                if target is not None and target != path:
                    out = join(out, self.member(target, name))
                elif base.tag == "ext":
                    out = join(out, (Ext(knowledge.canonical(f"{base.name}.{name}")),))
        return out

    def _follow(self, key: Any) -> Value:
        """Reads a cell of a module while a name is resolved."""
        self._followed.append(key)
        return self.read(key)


def _is_generated(path: str | None, dotted: str, name: str) -> bool:
    """What gRPC's compiler writes into a package when the project is built: ``from app.pb import pages_pb2_grpc``."""
    module = dotted if path is None else name if path.endswith("__init__.py") else ""
    return module.endswith(("_pb2_grpc", "_pb2"))
