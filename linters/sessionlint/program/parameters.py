"""What parameters, annotations and attributes stand for: by what is declared, and by what is passed or assigned."""

from __future__ import annotations

from typing import Any

from sessionlint.program import knowledge
from sessionlint.program import memo as memory
from sessionlint.program.classes import Classes
from sessionlint.program.declared_keys import Members
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import (
    ANY_TEXT,
    MAX_ARGUMENTS,
    NAMESPACE,
    SESSION,
    TASK,
    UNKNOWN,
    Ext,
    Inst,
    Map,
    Param,
    PartialCall,
    Seq,
    Value,
    join,
    literal,
)

#: Declared types that leave open what an argument is: which router, what is in the list.
_VAGUE = ("fastapi.APIRouter", "fastapi.FastAPI", "starlette.applications.", "typing.", "builtins.", "collections.")
#: What is said of everything, or of the name only.
_OF_NAMES = ("Any", "ClassVar", "Final", "TypeAlias")
#: Declared types that everything is an instance of.
_ANYTHING = frozenset(
    {"builtins.object", *(f"{m}.{name}" for m in ("typing", "typing_extensions") for name in _OF_NAMES)}
)
#: What a mixin may find in an attribute that the class it is mixed into assigns.
_OBJECTS = frozenset({"inst", "ext", "param", "injected"})
#: So many literals are kept per parameter.
_LITERALS = 4


class Parameters(Classes):
    """The part of the solver that knows what is declared, passed and kept."""

    def flow(self, function: FunctionInfo, name: str, value: Value) -> None:
        """Adds a call's argument to what a parameter may be."""
        own = Param(function, name)
        kept = tuple([a for a in value if a != own and (a.tag != "const" or a.kind == "str")])
        if kept and kept[0].tag == "const":
            # which literals are passed matters for a helper's SQL or column name, not for every caller's label
            known = self.peek(("param", function, name))
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

    def first_passed(self, param: Param, among: tuple[Any, ...]) -> Any:
        """The first of the arguments for a parameter that is ``among`` these; ``None`` when there is none."""
        return next((a for a in self.ask("arguments_of", param) if a in among), None)

    def stands_alone(self, method: FunctionInfo) -> bool:
        """Whether a method is passed a handle or another class's object first, and never one of its own class."""
        owner = method.class_info
        if owner is None or self.class_kind(owner):
            return False
        passed = self.arguments_of(Param(method, method.params[0][0]))
        if any(a.tag == "row" or (a.tag in ("inst", "cls") and owner in self.mro(a.info)) for a in passed):
            return False
        return any(a.tag == "inst" or self.kind_of(a) for a in passed)

    def passed_columns(self, param: Param) -> Value:
        """The mapped columns among the arguments for a parameter."""
        return tuple([a for a in self.arguments_of(param) if a.tag == "column"])

    def passed_tasks(self, param: Param) -> Value:
        """The tasks among the arguments for a parameter."""
        return tuple([a for a in self.arguments_of(param) if a.tag == "obj" and a.name == TASK])

    def views(self, atom: Any) -> Value:
        """What a parameter or injected object is, by annotation, default and arguments."""
        if atom.tag == "injected":
            return self.read(("injected", atom.source))
        declared = self._declared.get(atom)
        if declared is None:
            declared = self._declare(atom)
        known, complete = declared
        if self._trace is not None:
            self.remember(memory.SIGNATURE, atom.info, atom.info.signature)
            for typed in known:
                if typed.tag == "inst":
                    self.mro(typed.info)
        if complete:
            return known
        given: dict[Any, None] = {}
        for argument in self.ask("arguments_of", atom):
            if argument.tag == "param":
                self.remember(memory.SIGNATURE, argument.info, argument.info.signature)
                annotated = argument.info.param_values.get(argument.name, (UNKNOWN, UNKNOWN))[0]
                given.update(dict.fromkeys(self.instances(annotated)))
            else:
                given[argument] = None
        return join(self._without_interfaces(known, given) if known and given else known, tuple(given))

    def _without_interfaces(self, known: Value, given: dict[Any, None]) -> Value:
        """What is declared without an interface where what is passed implements that: nothing else was seen to come."""
        seen = (a for g in given for a in (self.read(("injected", g.source)) if g.tag == "injected" else (g,)))
        made = [a.info for a in seen if a.tag == "inst" and (a.bindings or not self.is_interface(a.info))]
        if not made:
            return known
        said = [a for a in known if a.tag == "inst" and not a.bindings and a not in given and self.is_interface(a.info)]
        left = [a for a in said if any(self.fulfils(passed, a.info) for passed in made)]
        return tuple([a for a in known if a not in left]) if left else known

    def views_among(self, atom: Any, tags: tuple[str, ...]) -> Value:
        """Those :meth:`views` that are of certain kinds."""
        return tuple([view for view in self.views(atom) if view.tag in tags])

    def declared_as(self, param: Param) -> Value:
        """The project classes that a parameter's annotation names, as objects of which no more is known."""
        typed = self.instances(param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))[0])
        return tuple([a for a in typed if a.tag == "inst"])

    def declared_classes(self, param: Param) -> Value:
        """What a parameter may be by its annotation, when that names project classes: those and the ones below."""
        self.remember(memory.SIGNATURE, param.info, param.info.signature)
        typed = self.instances(param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))[0])
        if not all(a.tag == "inst" for a in typed) or any(
            b.endswith(".Protocol") for a in typed for b in self.external_bases(a.info)
        ):
            return UNKNOWN
        return (*typed, *(Inst(below) for a in typed for below in self.subclasses(a.info)))

    def returned(self, function: FunctionInfo) -> Value:
        """What a function's return annotation evaluates to."""
        self.ensure_signed(function)
        declared: Value = function.param_values.get("return", (UNKNOWN, UNKNOWN))[0]
        return declared

    def objects_of(self, annotation: Value) -> Value:
        """The one concrete class of the project that an annotation names and that does something, as an object."""
        named = [a for a in self.instances(annotation) if a.tag != "const"]
        if len(named) != 1 or named[0].tag != "inst" or self.kind_of(named[0]) or not self._tells_all(named[0]):
            return UNKNOWN
        does = any(m.evaluated for cls in self.mro(named[0].info) for m in cls.methods.values())
        return (named[0],) if does else UNKNOWN

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
            above = [b for b in self.external_bases(typed.info) if b.endswith((".Protocol", ".ABC"))]
            return not above or (all(b.endswith(".ABC") for b in above) and self._is_written(typed.info))
        return bool(typed.tag == "handle")

    def is_interface(self, info: ClassInfo) -> bool:
        """Whether there are no objects of just this class."""
        return is_protocol(info) or self.leaves_open(info)

    def is_left_open(self, method: FunctionInfo) -> bool:
        """Whether a method only says what objects of classes out of sight do."""
        owner = method.class_info
        if owner is None or not self.is_abstract(method):
            return False
        self.mro(owner)
        return method.name in owner.unwritten or is_protocol(owner)

    def fulfils(self, made: ClassInfo, declared: ClassInfo) -> bool:
        """Whether objects of one class are of a declared one, or have all methods of a protocol."""
        if declared in self.mro(made):
            return True
        names = [name for cls in self.mro(declared) for name in cls.methods]
        return is_protocol(declared) and all(self.method(made, name) is not None for name in names)

    def _is_written(self, info: ClassInfo) -> bool:
        """Whether a class below an abstract one has all that it needs."""
        above = (b.name for b in info.bases if b.tag == "ext")
        return not any(name.endswith(".ABC") for name in above) and not self.leaves_open(info)

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
            elif atom.tag == "ext" and atom.name not in _ANYTHING:
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
            told = tuple([(Members(keys), UNKNOWN) for keys in values[1:]])
            return Map(((("?",), values[0]), *told), True)
        if of in knowledge.CARRIERS.values():
            return Map((NAMESPACE, (of, values[0])), True)
        return Seq(values, items.many)

    def kind_of(self, atom: Any, seen: int = 0) -> str | None:
        """The kind of database handle an atom is, or ``None``."""
        tag = atom.tag
        if tag == "handle":
            kind: str = atom.kind
            return kind
        if tag == "ext":
            return knowledge.handle_kind(atom.name[:-2]) if atom.name.endswith("()") else None
        if tag in ("param", "injected"):
            asked: str | None = self.ask("kind_by_views", atom, seen) if seen < 6 else None
            return asked
        if tag == "inst":
            return self.class_kind(atom.info)
        return None

    def kind_by_views(self, atom: Any, seen: int) -> str | None:
        """The kind of handle that a parameter or injected object is, by annotation, default and arguments."""
        for view in self.views(atom):
            found = self.kind_of(view, seen + 1)
            if found:
                return found
        return None

    def is_async(self, atom: Any, seen: int = 0) -> bool:
        """Whether a handle is of SQLAlchemy's asyncio flavour."""
        if atom.tag == "handle":
            return bool(atom.is_async)
        if atom.tag == "ext":
            return atom.name[:-2] in knowledge.ASYNC_TYPES
        if atom.tag in ("param", "injected"):
            return seen < 6 and bool(self.ask("is_async_by_views", atom, seen))
        if atom.tag == "inst":
            return any(b.tag == "ext" and b.name in knowledge.ASYNC_TYPES for c in self.mro(atom.info) for b in c.bases)
        return False

    def is_async_by_views(self, atom: Any, seen: int) -> bool:
        """The same for a parameter or injected object."""
        return any(self.is_async(v, seen + 1) for v in self.views(atom))

    def attribute(self, info: ClassInfo, name: str) -> Value:
        """What an attribute of instances may hold (assignments anywhere, class body included)."""
        for cls in self.mro(info):
            init = cls.methods.get("__init__")
            if init is not None and not init.evaluated and init not in self._active:
                self.summary_of(init)
        value = self._kept_in(info, name)
        if all(a.tag in ("const", "text") or a == ANY_TEXT or self._is_declared_session(a) for a in value):
            value = join(value, self._of_subclasses(info, name))
        return self.told(value)

    def _kept_in(self, info: ClassInfo, name: str) -> Value:
        """What is assigned to an attribute; what a class body says of it hides what those of its bases say."""
        value: Value = UNKNOWN
        overridden = False
        for cls in self.mro(info):
            found = self.read(("attr", cls, name))
            entry = cls.attributes.get(name)
            if entry is not None:
                if overridden:
                    hidden = (*entry[2], *self.instances(entry[1]))
                    found = tuple(a for a in found if a not in hidden)
                overridden = overridden or cls.assigns(name)
            value = join(value, found) if found else value
        return value

    def told(self, value: Value) -> Value:
        """The value without declared types of handles, which say nothing new once the object itself is known."""
        declared = {a for a in value if a.tag == "ext" and self.kind_of(a)} if len(value) > 1 else ()
        if declared and any(a.tag != "ext" and self.kind_of(a) for a in value):
            return tuple(a for a in value if a not in declared)
        return value

    def _is_declared_session(self, atom: Any) -> bool:
        """What ``session: AsyncSession`` in a class body says: that sub-classes will have one."""
        return atom.tag == "ext" and self.kind_of(atom) == SESSION

    def _of_subclasses(self, info: ClassInfo, name: str) -> Value:
        """What sub-classes (and what a mixin is mixed into) keep in an attribute: handles, columns, differing texts.

        Other objects only where all who keep some have the same: what a method of a mixin does is told to all.
        """
        value: Value = UNKNOWN
        alike = True
        for below in self.subclasses(info):
            found = self._kept_in(below, name)
            alike = alike and (not value or not found or found == value)
            value = join(value, found)
        told = tuple(a for a in value if a.tag in ("const", "text", "column") or self.kind_of(a))
        if alike and value and not told and self._leaves_to_others(info, name):
            return tuple(a for a in value if a.tag in _OBJECTS)
        return told if not told or self.is_written_below(info, name) else (*told, ANY_TEXT)

    def _leaves_to_others(self, info: ClassInfo, name: str) -> bool:
        """Whether a class says nothing of an attribute, and no library's class or ``__getattr__`` may have it."""
        if any(name in cls.attributes for cls in self.mro(info)) or self.method(info, "__getattr__") is not None:
            return False
        return all(b.startswith(("typing.", "abc.")) for b in self.external_bases(info))


def is_protocol(info: ClassInfo) -> bool:
    """Whether a class is declared to be a protocol."""
    return any(base.tag == "ext" and base.name.endswith(".Protocol") for base in info.bases)
