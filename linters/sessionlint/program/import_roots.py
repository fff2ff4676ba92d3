"""Packages that lie in another package and are imported by their own name, as ``shop`` in ``src``.

Who puts ``src`` on the path imports ``shop.db``, and an ``src/__init__.py`` changes nothing about that. So the
imports of the program are the witness: names that nothing else answers to, where files in a package would.

They are for the reverse as well: ``web/fastapi`` is a folder beside others in ``web``, and ``from fastapi import
APIRouter``, which nothing in it answers to, means the library.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sessionlint.facts.packing import unpack
from sessionlint.program import chat_bots, knowledge, network
from sessionlint.program.memo import Memo
from sessionlint.program.modules import Inner, ModuleNames

#: What a project's own module is not taken for, whatever it is called.
_LIBRARIES: Final = sys.stdlib_module_names | {
    name.partition(".")[0]
    for known in (
        knowledge.SESSION_CLASSES, knowledge.RAW_CONNECTIONS, knowledge.HANDLE_TYPES, knowledge.ROUTERS,
        network.PREFIXES, chat_bots.PACKAGES,
    )
    for name in known
}  # fmt: skip

#: What besides is a library's name more often than a folder's.
_COMMON: Final = _LIBRARIES | {
    "alembic", "apscheduler", "arq", "celery", "dramatiq", "django", "flask", "jose", "jwt", "pydantic", "rq",
    "starlette", "strawberry", "taskiq",
}  # fmt: skip


class _Tree(NamedTuple):
    """The facts of all files by path, the folders that hold files, and by name what lies directly in a package."""

    blobs: Mapping[str, bytes]
    folders: frozenset[str]
    inside: Mapping[str, Sequence[Inner]]


def inner_packages(blobs: Mapping[str, bytes], names: ModuleNames, memo: Memo | None = None) -> tuple[Inner, ...]:
    """What the imports of a program (facts by path) ask for by names that ``names`` do not know, in a fixed order.

    ``memo`` may hold the facts of an earlier solution, which need not be unpacked again.
    A name counts when more imports of it find what they ask for there than do not: a library may be called the same.
    """
    tree = _tree(blobs, names)
    found: Counter[Inner] = Counter()
    missed: Counter[str] = Counter()
    wraps: set[Inner] = set()
    for path, blob in blobs.items() if tree.inside else ():
        facts = () if not blob else unpack(blob) if memo is None else memo.facts_of(path, blob)
        for module, level, members in facts[1] if facts else ():
            top = module.partition(".")[0]
            if level or top not in tree.inside or names.path_of(module, path) or names.is_namespace(module):
                continue
            answers = [(inner, _answer(tree, inner, path, module, members)) for inner in tree.inside[top]]
            meant = _meant(path, [inner for inner, answer in answers if answer])
            found.update(meant)
            missed[top] += not meant and all(answer is False for _, answer in answers)
            # a module that imports its own name means the library it wraps
            wraps.update(inner for inner in tree.inside[top] if module == top and path == _file(tree, "".join(inner)))
    return tuple(sorted(i for i, number in found.items() if number > missed[i.name] and i not in wraps))


def library_names(blobs: Mapping[str, bytes], names: ModuleNames, memo: Memo | None = None) -> tuple[Inner, ...]:
    """The modules and folders below guessed roots that are called like a library, where imports mean the library.

    They are not when more imports of the name find there what they ask for than do not; those from the same root say
    it, if there are any. A module that imports its own name means the library, and so does everyone where there is
    only a folder, to which no installed package yields.
    """
    called = _called(blobs, names)
    if not called:
        return ()
    words = {name: name.encode() for name in called}
    tree = _Tree(blobs, _folders(blobs), {})
    within: Counter[Inner] = Counter()
    beyond: Counter[Inner] = Counter()
    for path, blob in blobs.items():
        if not blob or not any(word in blob for word in words.values()):
            continue
        for module, level, members in (unpack(blob) if memo is None else memo.facts_of(path, blob))[1]:
            for inner in () if level else called.get(module.partition(".")[0], ()):
                answer = _answer(tree, inner, path, module, members)
                own = module == inner.name and path.startswith("".join(inner))
                votes = within if path.startswith(inner.folder) else beyond
                votes[inner] += 1 if answer else -1 if own or answer is False else 0
    everyone = [inner for found in called.values() for inner in found]
    return tuple(sorted(i for i in everyone if (within[i] or beyond[i]) < (_file(tree, "".join(i)) is None)))


def _called(blobs: Mapping[str, bytes], names: ModuleNames) -> dict[str, list[Inner]]:
    """What lies in guessed roots and is called like a library, by its name."""
    found: dict[str, set[Inner]] = {}
    for path in blobs:
        folder, _, name = path.removesuffix(".py").rpartition("/")
        while folder:
            if name in _COMMON and f"{folder}/" in names.guessed:
                found.setdefault(name, set()).add(Inner(f"{folder}/", name))
            folder, _, name = folder.rpartition("/")
    return {name: sorted(places) for name, places in sorted(found.items())}


def _folders(blobs: Mapping[str, bytes]) -> frozenset[str]:
    folders: set[str] = set()
    for path in blobs:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(folders)


def _tree(blobs: Mapping[str, bytes], names: ModuleNames) -> _Tree:
    folders: set[str] = set()
    inside: dict[str, set[Inner]] = defaultdict(set)
    for path in blobs:
        folder, _, file = path.rpartition("/")
        entries = [(folder, file.removesuffix(".py"))]
        while folder and folder not in folders:
            folders.add(folder)
            above, _, name = folder.rpartition("/")
            entries.append((above, name))
            folder = above
        for above, name in entries:
            if above and f"{above}/__init__.py" in names.packages and name not in _LIBRARIES and name != "__init__":
                inside[name].add(Inner(f"{above}/", name))
    return _Tree(blobs, frozenset(folders), {name: sorted(found) for name, found in inside.items()})


def _answer(tree: _Tree, inner: Inner, importer: str, module: str, members: Sequence[str]) -> bool | None:
    """Whether there is what an import statement asks for; ``None`` when that cannot be told."""
    place = inner.folder + _place(module)
    if any(f"{place}/{name}.py" in tree.blobs or f"{place}/{name}" in tree.folders for name in members):
        return True
    path = _file(tree, place)
    if path is None or path == importer:
        return None if place in tree.folders and not members else False
    blob = tree.blobs[path]
    if not blob or not members or "*" in members:
        return True if "." in module else None
    if not all(name.encode() in blob for name in members):
        return False
    return "." in module or set(members) <= set(_bound(unpack(blob)[0]))


def _file(tree: _Tree, place: str) -> str | None:
    return next((path for path in (f"{place}.py", f"{place}/__init__.py") if path in tree.blobs), None)


def _place(module: str) -> str:
    return module.replace(".", "/")


def _bound(statements: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """The names that functions, classes, assignments and imports at the top of a module bind."""
    for statement in statements:
        op = statement[0]
        if op in ("F", "C"):
            yield statement[2][0]
        elif op in ("=", ":"):
            targets = statement[2] if op == "=" else (statement[2],)
            yield from (target[2] for target in targets if target[0] == "n")
        elif op == "from":
            yield from (alias or name for name, alias in statement[4])
        elif op in ("I", "T"):
            yield from _bound([*statement[2 + (op == "I")], *statement[4]])


def _meant(path: str, fitting: Sequence[Inner]) -> list[Inner]:
    """The one nearest around the importing file; for a file that lies beside them all, the only one there is."""
    around = [inner for inner in fitting if path.startswith(inner.folder)]
    return [max(around)] if around else [*fitting] if len(fitting) == 1 else []
