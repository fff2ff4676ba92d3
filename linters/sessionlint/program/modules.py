"""Which file is which module, and what an import statement means in it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple


class Inner(NamedTuple):
    """A module or folder of modules in the package ``folder`` (with a slash) that is imported by its own name."""

    folder: str
    name: str


class ModuleNames:
    """Dotted module names of project files, seen from the import roots of the policy.

    A file may be importable by several names (``src.db`` and ``db``); :attr:`by_name` knows them all,
    :attr:`primary` the longest one that a file of the project uses to import it.
    """

    def __init__(
        self,
        files: Iterable[str],
        roots: Sequence[str],
        folder: str = "",
        inner: Sequence[Inner] = (),
        libraries: Sequence[Inner] = (),
    ) -> None:
        """``folder`` is the name of the project's root, which counts when the root is a package itself.

        ``inner`` are imported by their own names besides the full ones, ``libraries`` by their full names only: what
        imports call like them is a library.
        """
        self.by_name: dict[str, str] = {}
        self.primary: dict[str, str] = {}
        self.packages: set[str] = set()
        self._nearest: dict[tuple[str, str], str] = {}
        #: what files and folders are called (``None``: not asked yet)
        self._parts: frozenset[str] | None = None
        ordered = sorted(files, key=lambda f: (f.count("/"), f))
        #: equal for equal files and names
        self.identity = _digest([*ordered, *(f"{i.folder}\0{i.name}" for i in inner), "", *map("".join, libraries)])
        self._own = frozenset(inner)
        self._libraries = frozenset(libraries)
        #: names that only a folder inside a package gives -> the outermost package around it, which alone may use them
        self._inner: dict[str, str] = {}
        stated = {f"{root.removeprefix('./').strip('/')}/" for root in roots}
        known = set(ordered)
        prefixes = self._prefixes(ordered, roots)
        #: the folders that may be on the path though nobody says so
        self.guessed: Collection[str] = frozenset(prefixes) - stated - {"", "/"}
        around = {prefix: "" if prefix in stated else _package_around(prefix, known) for prefix in prefixes}
        # what everybody may import has its name before a copy inside some package does
        for prefix in sorted(prefixes, key=lambda prefix: bool(around[prefix])):
            self._add_all([path for path in ordered if path.startswith(prefix)], prefix, around[prefix])
        for found in inner:
            place = found.folder + found.name
            below = [path for path in ordered if path.startswith(f"{place}/") or path == f"{place}.py"]
            self._add_all(below, found.folder, _package_around(found.folder, known))
        if folder.isidentifier() and "__init__.py" in ordered:
            for path in ordered:
                self._add(path, f"{folder}/{path}")
        self._namespaces: set[str] = set()
        for name in self.by_name.keys() - self._inner.keys():
            while "." in name:
                name = name.rpartition(".")[0]
                self._namespaces.add(name)

    @property
    def state(self) -> tuple[Any, ...]:
        """All there is to it, as plain values."""
        return (
            self.by_name, self.primary, sorted(self.packages), self.identity, sorted(map(tuple, self._own)),
            sorted(map(tuple, self._libraries)), self._inner, sorted(self.guessed), sorted(self._namespaces),
        )  # fmt: skip

    @staticmethod
    def of(state: tuple[Any, ...]) -> ModuleNames:
        """The names with this :attr:`state`."""
        names = ModuleNames((), ())
        names.by_name, names.primary, packages, names.identity, own, libraries, names._inner, guessed, spaces = state
        names.packages, names.guessed, names._namespaces = set(packages), frozenset(guessed), set(spaces)
        names._own = frozenset([Inner(*inner) for inner in own])
        names._libraries = frozenset([Inner(*inner) for inner in libraries])
        return names

    @staticmethod
    def _prefixes(files: list[str], roots: Sequence[str]) -> list[str]:
        inner = [root.removeprefix("./").strip("/") for root in roots]
        prefixes = ["" if root in ("", ".") else f"{root}/" for root in inner]
        if "" not in prefixes:
            prefixes.append("")
        known = set(files)
        # A folder of Python files that is no package, or holds packages only, may be on sys.path itself.
        folders = {f.rpartition("/")[0] for f in files if "/" in f}
        for folder in sorted(folders | {p.rpartition("/")[0] for p in folders if "/" in p}):
            if folder and f"{folder}/__init__.py" not in known and f"{folder}/" not in prefixes:
                prefixes.append(f"{folder}/")
        # So may one further out: what lies between need not be a package. What is nearer has its name first.
        above = {f[:at] for f in folders for at, sign in enumerate(f) if sign == "/"}
        far = (f for f in sorted(above) if f"{f}/__init__.py" not in known and f"{f}/" not in prefixes)
        return [*prefixes, *(f"{folder}/" for folder in far)]

    def _add_all(self, paths: Iterable[str], prefix: str, outermost: str) -> None:
        """Names files by their places below ``prefix``; new names are for those below ``outermost``, if it is one."""
        for path in paths:
            relative = path[len(prefix) :]
            if self._libraries and Inner(prefix, _top(relative)) in self._libraries:
                continue
            name = self._add(path, relative)
            if name and outermost:
                self._inner[name] = outermost

    def _add(self, path: str, relative: str) -> str:
        """Notes a name of a file; the name, if no other file had it."""
        parts = relative[:-3].split("/")
        if parts[-1] == "__init__":
            parts.pop()
            self.packages.add(path)
        name = ".".join(parts)
        if not name:
            return ""
        self.primary.setdefault(path, name)
        if name in self.by_name:
            return ""
        self.by_name[name] = path
        return name

    def may_mean(self, imports: Iterable[tuple[str, int, Sequence[str]]]) -> bool:
        """Whether some of these imports (module, level, members) may be of the project: a part of it is so called."""
        if self._parts is None:
            self._parts = frozenset([part for path in self.primary for part in path.removesuffix(".py").split("/")])
        parts = self._parts
        return any(level > 0 or module.partition(".")[0] in parts for module, level, _ in imports)

    def path_of(self, name: str, importer: str = "") -> str | None:
        """The project file of a module name, if it is one; nearer to ``importer`` wins."""
        path = self.by_name.get(name)
        if path is None or not importer:
            return path
        if not importer.startswith(self._inner.get(name, "")):
            return None
        key = (name, importer.rpartition("/")[0])
        if key not in self._nearest:
            self._nearest[key] = self._near(name, path, importer)
        return self._nearest[key]

    def inside(self, name: str) -> list[str]:
        """The files of a package that has none of its own name, a folder without ``__init__.py``."""
        if name not in self._namespaces or name in self.by_name:
            return []
        return [path for module, path in self.by_name.items() if module.startswith(f"{name}.")]

    def _near(self, name: str, path: str, importer: str) -> str:
        folder = importer.rpartition("/")[0]
        tail = name.replace(".", "/")
        while True:
            for candidate in (f"{folder}/{tail}.py", f"{folder}/{tail}/__init__.py"):
                candidate = candidate.lstrip("/")
                if candidate != path and candidate in self.primary and self._is_root(folder, name):
                    return candidate
            if not folder:
                return path
            folder = folder.rpartition("/")[0]

    def _is_root(self, folder: str, name: str) -> bool:
        """A folder is a possible import root when it is no package itself, or the name is known to be used there."""
        place = Inner(f"{folder}/", name.partition(".")[0])
        if f"{folder}/__init__.py".lstrip("/") not in self.packages:
            return place not in self._libraries
        return place in self._own

    def is_namespace(self, name: str) -> bool:
        """Whether modules lie below this name."""
        return name in self._namespaces

    def absolute(self, importer: str, module: str, level: int) -> str:
        """The dotted name an import statement in file ``importer`` asks for."""
        if not level:
            return module
        base = self.primary.get(importer, "").split(".")
        drop = level - 1 if importer in self.packages else level
        base = base[: len(base) - drop] if drop else base
        return ".".join([p for p in (*base, module) if p])


def _top(relative: str) -> str:
    """The first part of the name of the module at a place."""
    return relative.partition("/")[0].removesuffix(".py")


def _digest(names: Iterable[str]) -> bytes:
    return hashlib.blake2b("\0".join(names).encode(errors="surrogatepass"), digest_size=16).digest()


def _package_around(prefix: str, files: set[str]) -> str:
    """The outermost package that a folder lies in without being a part of it, with a slash; ``""`` for none."""
    parents = prefix.rstrip("/").split("/")[:-1]
    for number in range(1, len(parents) + 1):
        folder = "/".join(parents[:number])
        if f"{folder}/__init__.py" in files:
            return f"{folder}/"
    return ""
