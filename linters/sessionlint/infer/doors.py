"""Engines and factories that belong together, with everything that opens sessions from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sessionlint.infer.applications import NO_APPLICATION
from sessionlint.infer.handed_objects import handed_objects
from sessionlint.infer.libraries import keepers
from sessionlint.infer.own_engines import of_one_function
from sessionlint.infer.sources import CONTEXT, DEPENDENCY, Made, Source
from sessionlint.infer.survey import MAKERS, Survey
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import ENGINE, POOL, SESSION


@dataclass(slots=True, eq=False)
class Door:
    """One way to the database: ``files`` make its engine and factories (or, unseen, open its sessions).

    ``direct`` are functions that open sessions from it without going through a source, ``asked`` those that get them
    from a function that is none; ``objects`` are dependencies that hand out an object around a session; ``bound`` the
    files of engines that its factory must be bound to, because nothing else uses them; ``apart`` those of its files
    that each make a factory for themselves from the engine of another one; ``takers`` the other files that take an
    engine or factory of it, whatever they do with it; ``scripts`` those beside the application, of a door that it
    leaves alone; ``kept`` tells that an object of a library keeps its session.
    """

    files: dict[str, None] = field(default_factory=dict)
    makers: list[Made] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    direct: dict[FunctionInfo, tuple[Made, ...]] = field(default_factory=dict)
    asked: dict[FunctionInfo, tuple[Made, ...]] = field(default_factory=dict)
    objects: list[Source] = field(default_factory=list)
    bound: dict[str, None] = field(default_factory=dict)
    apart: dict[str, None] = field(default_factory=dict)
    takers: frozenset[str] = frozenset()
    scripts: frozenset[str] = frozenset()
    kept: bool = False

    @property
    def users(self) -> dict[FunctionInfo, None]:
        """Functions that get sessions here: injected ones anywhere, all others from other files or with their own."""
        found = {u: None for s in self.sources if s.kind == DEPENDENCY for u in s.users}
        taken = [u for s in self.sources if s.kind != DEPENDENCY for u in s.users]
        found.update(
            (u, None) for u in (*taken, *self.direct, *self.asked) if u.path not in self.files or u.path in self.apart
        )
        return found

    @property
    def using_files(self) -> set[str]:
        """The files of its users."""
        return {user.path for user in self.users}

    @property
    def weight(self) -> tuple[bool, int, int, int, int, int]:
        """Order among rivals: sessions before bare connections, then injections, using files, using functions, files
        that only take the engine or factory itself, and scripts that do."""
        injections = sum(len(s.users) for s in self.sources if s.kind == DEPENDENCY)
        users, files = len(self.users), len(self.using_files)
        return (self.hands_out_sessions, injections, files, users, len(self.takers), len(self.scripts))

    @property
    def hands_out_sessions(self) -> bool:
        """Whether sessions (not only connections) come through it."""
        return any(kind == SESSION for s in self.sources for kind in (s.handed,)) or any(
            kind == SESSION for chain in self.direct.values() for kind, _ in chain
        )


def find_doors(survey: Survey) -> list[Door]:
    """All doors of the application, heaviest first."""
    groups = _Groups()
    for made, chain in survey.makers.items():
        groups.tie(made[1][0], *(site[0] for kind, site in chain if kind in MAKERS and site[0] in survey.included))
    doors: dict[str, Door] = {}

    def door(path: str) -> Door:
        found = doors.setdefault(groups.of(path), Door())
        found.files.setdefault(path)
        return found

    for made in survey.makers:
        door(made[1][0]).makers.append(made)
    for source in survey.sources:
        door(_home(survey, source.behind, source.path)).sources.append(source)
    opened_by_sources = {source.function for source in survey.sources}
    for function, chain in survey.direct.items():
        if function not in opened_by_sources:
            door(_home(survey, chain, function.path)).direct[function] = chain
    for function, chain in survey.asked.items():
        door(_home(survey, chain, function.path)).asked[function] = chain
    for source in handed_objects(survey):
        home = groups.of(_home(survey, source.behind, source.path))
        if home in doors:
            doors[home].objects.append(source)
    for path in _apart(survey):
        door(path).apart.setdefault(path)
    found = _with_loose_engines(list(doors.values()))
    for site, users in keepers(survey).items():
        own = doors.get(groups.of(site[0])) or Door({site[0]: None})
        own.kept = True
        own.direct.update((user, ((SESSION, site),)) for user in users if user not in own.direct)
        found += [own] if own not in found else []
    # asking for a session is what files may do that take an engine or factory, too
    for unused in [d for d in found if d.users.keys() <= d.asked.keys()]:
        unused.takers = frozenset(t for path in unused.files for t in survey.takers.get(path, ())) - set(unused.files)
    for idle in [d for d in found if not (d.users or d.takers)]:
        idle.scripts = frozenset(t for path in idle.files for t in survey.scripts.get(path, ()))
    return sorted(found, key=lambda d: (d.weight, _reversed(d.files)), reverse=True)


def _apart(survey: Survey) -> list[str]:
    """Files that make a factory of another file's engine for nobody but themselves, as others do of that file's.

    One such file is the second half of a session module; several are its users, each with its own factory.
    """
    on_engine: dict[str, dict[str, None]] = {}
    for (_, site), chain in survey.makers.items():
        for kind, made_at in chain:
            if kind == ENGINE and made_at[0] != site[0]:
                on_engine.setdefault(made_at[0], {}).setdefault(site[0])
    used = {path for function, chain in survey.direct.items() for path in _made_in(chain) - {function.path}}
    handing = [source for source in survey.sources if not _is_private(source)]
    used |= {path for source in handing for path in (*_made_in(source.behind), source.path)}
    several = [path for files in on_engine.values() if len(files) > 1 for path in files]
    return [path for path in dict.fromkeys(several) if path not in used]


def _is_private(source: Source) -> bool:
    """Whether a file keeps a way to sessions to itself: nobody but what stands beside it uses it."""
    return source.kind == CONTEXT and bool(source.users) and all(u.path == source.path for u in source.users)


def _made_in(chain: tuple[Made, ...]) -> set[str]:
    return {site[0] for kind, site in chain if kind in MAKERS}


def _reversed(files: Iterable[str]) -> tuple[int, ...]:
    """Sorts the first path in the alphabet last, for an order that is reversed afterwards."""
    return tuple(-ord(character) for character in min(files))


def _home(survey: Survey, chain: tuple[Made, ...], fallback: str) -> str:
    """The file that makes what lies nearest behind a session; the one that opens it when none is in sight."""
    sites = [site for kind, site in chain if kind in MAKERS and site[0] in survey.included]
    private = survey.program.shared(of_one_function)
    made = [site[0] for site in sorted(sites, key=private.__contains__)]
    opened = [site[0] for _, site in chain if site[0] in survey.included]
    return next(iter((*made, *opened, fallback)))


def _with_loose_engines(doors: list[Door]) -> list[Door]:
    """Joins an engine that nothing was seen to use to the one door whose engine was not seen."""
    loose = [d for d in doors if not d.sources and not d.direct and all(kind == ENGINE for kind, _ in d.makers)]
    lacking = [d for d in doors if d not in loose and not any(kind in (ENGINE, POOL) for kind, _ in d.makers)]
    if len(loose) == 1 and len(lacking) == 1:
        lacking[0].files.update(loose[0].files)
        lacking[0].bound.update(loose[0].files)
        lacking[0].makers.extend(loose[0].makers)
        doors.remove(loose[0])
    return doors


class _Groups:
    """Sets of files, joined as ties between them turn up."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The representative of the set that holds ``path``."""
        while self._parent.setdefault(path, path) != path:
            path = self._parent[path]
        return path

    def tie(self, *paths: str) -> None:
        """Makes one set of all the paths'."""
        for path in paths[1:]:
            self._parent[self.of(path)] = self.of(paths[0])


def application_of(survey: Survey, door: Door, doors: Iterable[Door]) -> str:
    """The application most of a door's users belong to; that of the folder of its first file when nobody uses it.

    Where that application has another door's sessions, one that nobody else uses is not its own, but one more.
    """
    counts = Counter(survey.application_of(user.path) for user in door.users)
    counts = counts or Counter(map(survey.application_of, door.takers))
    if not counts:
        around = survey.application_around(min(door.files))
        if around is None or any(_serves(survey, other, around) for other in doors if other is not door):
            return NO_APPLICATION
        return around
    return max(sorted(counts), key=counts.__getitem__)


def _serves(survey: Survey, door: Door, application: str) -> bool:
    """Whether files of an application get sessions, an engine or a factory from beside its folder."""
    if any(survey.application_around(path) == application for path in door.files):
        return False
    takers = (taker for path in door.files for taker in survey.takers.get(path, ()))
    return any(survey.application_around(path) == application for path in (*door.using_files, *takers))
