"""Classes of the project: their order of bases, methods, attributes."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import injected_makers, knowledge, library_classes
from sessionlint.program import memo as memory
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.naming import Naming
from sessionlint.program.values import (
    UNKNOWN,
    Cls,
    Ext,
    Fn,
    Param,
    Value,
)

_DECLARATIVE = {
    "sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta", "sqlmodel.SQLModel",
}  # fmt: skip
#: What stands for an attribute of a class that names a metaclass, which is one of the project; nobody can write it.
METACLASS = "__<metaclass>__"
_NAMED_TUPLE = "typing.NamedTuple"
#: Decorators that write the constructor of a class.
_DATA_CLASSES = {
    "dataclasses.dataclass", "attr.s", "attr.dataclass", "attr.attrs", "attr.define", "attr.frozen", "attr.mutable",
    "attrs.define", "attrs.frozen", "attrs.mutable", "pydantic.dataclasses.dataclass",
}  # fmt: skip


def is_declarative(name: str) -> bool:
    """Whether a library's class is a base of mapped classes."""
    return (
        name in _DECLARATIVE
        or name.endswith(("declarative_base()", "generate_base()"))
        or (name.endswith(".Model") and "sqlalchemy" in name)
    )


class Classes(Naming):
    """What is known of classes; bases and attributes are cells like any other."""

    def mro(self, info: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its project bases, nearest first (without duplicates)."""
        known = self._mro.get(info)
        if known is None:
            known = self._mro[info] = self._bases_of(info)
        if self._trace is not None and (memory.SHAPE, info) not in self._noted:
            self.remember(memory.SHAPE, info, tuple([c.shape for c in known]))
        return known

    @staticmethod
    def _bases_of(info: ClassInfo) -> tuple[ClassInfo, ...]:
        out: list[ClassInfo] = []
        pending = [info]
        while pending and len(out) < 40:
            current = pending.pop(0)
            if current in out:
                continue
            out.append(current)
            pending.extend(a.info for a in current.bases if a.tag == "cls")
        return tuple(out)

    def set_bases(self, info: ClassInfo, bases: Value) -> None:
        """Notes the evaluated bases of a class."""
        self.remember(memory.BASES, info, bases)
        if info.bases != bases:
            info.bases = bases
            info.reshaped()
            self.shapes += 1
            self._mro.clear()
            self._kinds.clear()
            self._declared.clear()
            for base in bases:
                if base.tag == "cls":
                    self.write(("subclasses", base.info), (Cls(info),))
                elif base.tag == "ext":
                    self._make_maker(info, base.name)

    def _make_maker(self, info: ClassInfo, base: str) -> None:
        """What stands for the constructor that a class has from a library's class that keeps its arguments."""
        if base == _NAMED_TUPLE and info.maker is None:
            self._add_maker(info, "__init__")
        known = library_classes.find(base)
        if known is None or not known.keeps or info.maker is not None:
            return
        maker = self._add_maker(info, "<library>")
        if known.session:
            declared = "sqlalchemy.ext.asyncio.AsyncSession" if known.is_async else "sqlalchemy.orm.Session"
            self.declare(maker, known.session, (Ext(declared),), UNKNOWN)

    def _add_maker(self, info: ClassInfo, name: str) -> FunctionInfo:
        facts = ("__init__", info.span, info.header, (), (), (), None, 0, "")
        maker = info.maker = self.memo.function(info.module, facts, f"{info.qualname}.{name}", None, info)
        maker.evaluated = maker.signed = True
        return maker

    def set_decorators(self, info: ClassInfo, decorators: Value) -> None:
        """Notes the evaluated decorators of a class."""
        self.remember(memory.DECORATORS, info, decorators)
        info.decorators = decorators
        self.shapes += 1
        info.reshaped()
        if info.maker is None and any(a.tag == "ext" and a.name in _DATA_CLASSES for a in decorators):
            self._add_maker(info, "__init__")

    def set_attribute(self, info: ClassInfo, name: str, entry: tuple[Any, Value, Value, Any]) -> None:
        """Notes an attribute of a class body: span, annotation, value, expression."""
        self.forget_seen(memory.ATTRIBUTE, (info, name))
        self.remember(memory.ATTRIBUTE, (info, name), entry)
        info.attributes[name] = entry
        self.shapes += 1
        info.reshaped()
        if info.maker is not None:
            self.declare(info.maker, name, entry[1], entry[2])
            injected_makers.note_field(info, name, entry)

    def declare(self, function: FunctionInfo, name: str, annotation: Value, default: Value) -> None:
        """Notes what a parameter's annotation and default evaluate to."""
        if function.param_values.get(name) != (annotation, default):
            function.param_values[name] = (annotation, default)
            function.resigned()
            self.shapes += 1
            self._declared.pop(Param(function, name), None)

    def fields(self, info: ClassInfo) -> dict[str, FunctionInfo | None]:
        """What the constructor of a class without ``__init__`` takes, in order, and what makes it of a data class."""
        return {n: cls.maker for cls in reversed(self.mro(info)) for n in cls.attributes if not n.startswith("__")}

    def external_bases(self, info: ClassInfo) -> set[str]:
        """Import paths of all bases outside the project."""
        return {b.name for c in self.mro(info) for b in c.bases if b.tag == "ext"}

    def is_written_below(self, info: ClassInfo, name: str) -> bool:
        """Whether all classes below write out a text that a class names and leaves to them."""
        entry = next((c.attributes[name] for c in self.mro(info) if name in c.attributes), None)
        if entry is None or entry[3] is not None:
            return True
        given = [c.attributes[name][2] for c in self.subclasses(info) if c.assigns(name)]
        return all(value and all(a.tag in ("const", "text") for a in value) for value in given)

    def field_names(self, info: ClassInfo) -> list[str]:
        """The fields of a named tuple, in order; nothing for other classes."""
        if _NAMED_TUPLE not in self.external_bases(info):
            return []
        return [n for cls in reversed(self.mro(info)) for n in cls.attributes]

    def is_record(self, info: ClassInfo) -> bool:
        """Whether instances are subscripted or unpacked by field: named tuples and typed dictionaries."""
        return not self.external_bases(info).isdisjoint((_NAMED_TUPLE, "typing.TypedDict"))

    def class_kind(self, info: ClassInfo) -> str | None:
        """The kind of handle instances of a class are, when it derives from one of the libraries' classes."""
        self.mro(info)
        if info not in self._kinds:
            found = [knowledge.handle_kind(b) for b in sorted(self.external_bases(info))]
            self._kinds[info] = next((k for k in found if k), None)
        return self._kinds[info]

    def is_model(self, info: ClassInfo) -> bool:
        """Whether a class is mapped: it (or a base) has a table name or derives from a declarative base."""
        for cls in self.mro(info):
            if "__tablename__" in cls.attributes or "__table__" in cls.attributes or "__tablename__" in cls.methods:
                return True
            for base in cls.bases:
                if base.tag == "ext" and is_declarative(base.name):
                    return True
        return False

    def method(self, info: ClassInfo, name: str) -> FunctionInfo | None:
        """The method instances of a class would use."""
        for cls in self.mro(info):
            if name in cls.methods:
                method = cls.methods[name]
                if self._trace is not None:
                    self.remember(memory.SIGNATURE, method, method.signature)
                return method
            if cls.assigns(name):
                return self._assigned(cls, name)
        return None

    @staticmethod
    def _assigned(cls: ClassInfo, name: str) -> FunctionInfo | None:
        """``__call__ = send`` in a class body: another method by a second name."""
        value = cls.attributes[name][2] if name in cls.attributes else UNKNOWN
        if len(value) == 1 and isinstance(value[0], Fn) and value[0].info.class_info is cls:
            return value[0].info
        return None

    def of_metaclass(self, info: ClassInfo, name: str) -> FunctionInfo | None:
        """The method or property that a class itself has from a metaclass of the project."""
        entry = next((cls.attributes[METACLASS] for cls in self.mro(info) if METACLASS in cls.attributes), None)
        return next((m for a in entry[2] if (m := self.method(a.info, name)) is not None), None) if entry else None

    def is_abstract(self, function: FunctionInfo) -> bool:
        """Whether a method only declares: no statements, or nothing but ``raise NotImplementedError``."""
        if function.abstract is None:
            body = function.body
            last = body[-1] if body else None
            function.abstract = last is None or (
                len(body) == 1 and last[0] == "!" and "NotImplemented" in ir.text_of(last[2])
            )
        self.remember(memory.DECLARES, function, function.abstract)
        return function.abstract

    def subclasses(self, info: ClassInfo) -> list[ClassInfo]:
        """The project classes below a class, however deep."""
        found: list[ClassInfo] = []
        pending, seen = [info], {info}
        while pending and len(seen) < 40:
            for atom in self.read(("subclasses", pending.pop())):
                if atom.info not in seen:
                    seen.add(atom.info)
                    pending.append(atom.info)
                    found.append(atom.info)
        return found

    def leaves_open(self, info: ClassInfo) -> bool:
        """Whether a class leaves an abstract method to classes below: there are no objects of just this class."""
        mro = self.mro(info)
        return any(_leaves(mro, name) for cls in mro for name in cls.unwritten)

    def overrides(self, info: ClassInfo, name: str) -> list[FunctionInfo]:
        """What sub-classes have in place of an abstract method, or of none: their own, or from another base."""
        methods = dict.fromkeys(self.method(sub, name) for sub in self.subclasses(info))
        return [method for method in methods if method is not None and not self.is_abstract(method)]

    def bound(self, function: FunctionInfo, receiver: Any) -> Fn:
        """A method seen through an instance or class."""
        return Fn(function, None if function.is_staticmethod else receiver)


def _leaves(mro: tuple[ClassInfo, ...], name: str) -> bool:
    """Whether the first class that has a name has an abstract method of it."""
    first = next(c for c in mro if name in c.methods or c.assigns(name))
    return name in first.unwritten
