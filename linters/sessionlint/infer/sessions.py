"""Which files, dependencies and context managers are the approved way to a session, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sized
from dataclasses import dataclass, field

from sessionlint.infer.applications import NO_APPLICATION
from sessionlint.infer.built_on import built_on
from sessionlint.infer.data_access import left_for_that, works_for_itself
from sessionlint.infer.doors import Door, application_of, find_doors
from sessionlint.infer.handed_objects import are_the_way, entered_by, of_contexts
from sessionlint.infer.holders import holders
from sessionlint.infer.kept import keeps_for_others
from sessionlint.infer.only_ways import is_there_for_sessions
from sessionlint.infer.openers import openers
from sessionlint.infer.own_engines import of_one_function, of_the_application
from sessionlint.infer.registries import kept_instead
from sessionlint.infer.sources import CONTEXT, DECORATOR, DEPENDENCY, HOOK, Made, Source, enters
from sessionlint.infer.standing_alone import stands_alone, stands_apart
from sessionlint.infer.survey import MAKERS, Survey
from sessionlint.infer.table_makers import is_for_tables
from sessionlint.infer.votes import authenticates
from sessionlint.infer.words import joined, plural
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import CONNECTION, DRIVER, ENGINE, FACTORY, POOL, SESSION

#: A second way to sessions in one application is approved when it has at least this share of the first one's users,
#: or this many files use it: less is a shortcut that someone took.
_SHARE = 0.1
_FILES = 5
#: The same among the dependencies of one application that are not defined next to the most used one.
_SHARE_OF_DEPENDENCY = 0.2
#: A session module that makes engines with so many openings, commits and rollbacks besides its doors is spoken of.
_MANY = 5
_ENDS = ("commit", "rollback")
_MADE = {ENGINE: "the engine", FACTORY: "the session factory", POOL: "the connection pool"}
_OPENED = {SESSION: "sessions", CONNECTION: "connections", DRIVER: "connections"}


@dataclass(slots=True)
class Approved:
    """The ways to a session that are approved: files, dependencies and contexts, each with the reason.

    ``objects`` are the dependencies that hand out an object around a session; when all doors are approved they come
    last among ``dependencies``, for remedies name the first. ``homes`` are the files that define the functions;
    ``left_out`` are sentences on what else was seen and not approved, ``unchecked`` on what session modules hold
    besides.
    """

    modules: dict[str, str] = field(default_factory=dict)
    dependencies: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict)
    homes: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


def approve(survey: Survey) -> Approved:
    """Chooses among the doors of each application."""
    approved = Approved()
    groups: dict[str, list[Door]] = {}
    found = find_doors(survey)
    for door in found:
        groups.setdefault(application_of(survey, door, found), []).append(door)
    every: list[Door] = []
    lacking: list[str] = []
    closed: list[tuple[Door, list[Door]]] = []
    for application in sorted(groups, key=lambda a: (a == NO_APPLICATION, a)):
        doors = groups[application]
        chosen = [door for door in doors if _is_chosen(survey, application, door, doors)]
        known = len(approved.dependencies) + len(approved.objects)
        for door in chosen:
            _approve_door(survey, door, approved)
        if chosen and len(approved.dependencies) + len(approved.objects) == known:
            lacking.append(application)
        every += chosen
        if application == NO_APPLICATION and not chosen:
            chosen = sorted(every, key=lambda d: d.weight)[-1:]
        closed += [(door, chosen) for door in doors if chosen and door not in chosen]
    approved.dependencies.update(approved.objects)
    if approved.dependencies:
        # where one application has dependencies, the others' are spoken of, too
        for source in [s for application in lacking for s in holders(survey, application)]:
            approved.dependencies[survey.dotted(source)] = _source_reason(source)
    for door, chosen in closed:
        # whatever a file that is approved for another door makes besides
        if not any(site[0] in approved.modules for _, site in door.makers[:1]):
            approved.left_out.extend(_left_out(survey, door, chosen, approved.modules))
    approved.modules = dict(sorted(approved.modules.items()))
    approved.unchecked = [note for path in approved.modules for note in _unchecked(survey, path)]
    return approved


def _is_chosen(survey: Survey, application: str, door: Door, doors: list[Door]) -> bool:
    first = doors[0]
    if not door.makers and not door.sources and not _opens_for_others(door) and not keeps_for_others(survey, door):
        return False
    if application == NO_APPLICATION and survey.applications:
        files = len(door.using_files | door.takers)
        if not files and not (door.scripts and stands_alone(survey, door)):
            return False
        if files < 2 and not (survey.shared(door.files) or stands_alone(survey, door)):
            return False
    if door is first:
        return bool(door.users or door.takers or door.scripts) or len(doors) == 1
    if not survey.applications and stands_apart(survey, door, (other for other in doors if other is not door)):
        return bool(door.users or door.takers or door.scripts)
    if door.using_files <= door.files.keys() or (first.hands_out_sessions and not door.hands_out_sessions):
        return False
    return len(door.users) >= _SHARE * len(first.users) or len(door.using_files) >= _FILES


def _opens_for_others(door: Door) -> bool:
    """Whether other files ask a function that opens what they work with."""
    return bool(door.direct) and any(f.path not in door.files for f in door.asked)


# one door


def _approve_door(survey: Survey, door: Door, approved: Approved) -> None:
    dependencies, minor = _told_apart(survey, _dependencies(survey, door))
    objects, few = _objects(survey, door, dependencies)
    units = {method for s in objects for method in entered_by(survey, s)}
    near = {s.path for s in dependencies if not (s.passes_on or s.by_call)} | {method.path for method in units}
    contexts = _contexts(survey, door, near)
    given = of_contexts(survey, few, contexts)
    rest = [*minor, *(s for s in few if s not in given)]
    approved.left_out.extend(_minor_note(source, (*dependencies, *objects)[0]) for source in rest)
    units.update(method for s in given for method in entered_by(survey, s))
    objects += given
    dependencies += objects
    sources = [*dependencies, *contexts]
    sources += openers(survey, door, sources)
    files = {path: None for s in sources for path in _files_behind(survey, s)}
    if not any(path in door.files for path in files):
        shared = dict.fromkeys(path for path in door.files if path not in door.apart)
        files.update(_files_used_directly(survey, door) or shared or door.files)
    for path in {**files, **door.bound}:
        approved.modules[path] = _module_reason(survey, path, door, sources)
    for path, unit in built_on(survey, sources, files).items():
        approved.modules.setdefault(path, f"a class there ends what {unit.name}() of {unit.path} opens")
    # what a file does beside handing out an object still says what it is there for
    approved.homes.update(source.path for source in sources if source not in objects)
    for source in dependencies:
        (approved.dependencies if source.named else approved.objects)[survey.dotted(source)] = _source_reason(source)
    working = (s for s in door.sources if s.kind == CONTEXT and s.path not in approved.modules)
    approved.left_out.extend(left_for_that(survey, s) for s in working if works_for_itself(survey, s))
    instead = kept_instead(survey, door.files, contexts)
    approved.left_out.extend([instead] if instead else [])
    # where any is named, what is not is unapproved: so is a unit of work whose file is a session module for its sake
    any_named = bool(approved.contexts) or any(s.named or s.function in units for s in contexts)
    held = [s for s in contexts if any_named and not s.named and s.path in files]
    for source in [] if instead else [*(s for s in contexts if s.named), *held]:
        # a class that both kinds of with can enter is named once, for its most used one
        approved.contexts.setdefault(survey.dotted(source), _source_reason(source))


def _files_behind(survey: Survey, source: Source) -> list[str]:
    """The files that make what a source hands out: its own when it opens the session, not when it wraps an opener.

    A file of dependencies that also authenticates, or works with the sessions it is given, is no session module for
    the one function in it that opens them: that function alone is approved. So is one that hands out an object, whose
    class may be written beside it.
    """
    private = survey.program.shared(of_one_function)
    given = any(kind in MAKERS and site not in private for kind, site in source.behind)
    # a command that makes its own engine for the door is no second place of it
    serving = of_the_application(survey.program, (site for kind, site in source.behind if kind == ENGINE))
    behind = [made for made in source.behind if not given or made[1] not in private or made[1] in serving]
    files = [site[0] for _, site in behind if site[0] in survey.included]
    made = [site[0] for kind, site in behind if kind in MAKERS]
    if not files and not source.passes_on:
        return [source.path]
    wraps = made and ((source.kind == DEPENDENCY and not source.named) or _works(survey, source))
    return [path for path in files if path != source.path or path in made or not wraps]


def _works(survey: Survey, source: Source) -> bool:
    """Whether the file of a source does more than hand out sessions: it serves requests, or works with a session."""
    program = survey.program
    own = {s.function for s in survey.sources}
    module = program.solver.modules[source.path]
    functions = [f for f in module.functions if f not in own]
    given = any(e.kind == "inject" and program.sessions(e.subject) for f in functions for e in f.events)
    given = given or (source.named and _ends_given(survey, functions))
    return given or any(f.routes for f in functions) or authenticates(module)


def _ends_given(survey: Survey, functions: list[FunctionInfo]) -> bool:
    """Whether functions end the transaction of a session that they are passed."""
    ends = (e for f in functions for e in f.events if e.kind == "txn" and e.name in _ENDS)
    return any(a.tag == "param" and survey.program.sessions((a,)) for e in ends for a in e.subject)


def _files_used_directly(survey: Survey, door: Door) -> dict[str, None]:
    """The files whose engines and factories other files open sessions from, or that open what others ask them for."""
    return {
        site[0]: None
        for function, chain in (*door.direct.items(), *door.asked.items())
        for _, site in chain
        if site[0] in door.files and site[0] != function.path and site[0] in survey.included
    }


def _dependencies(survey: Survey, door: Door) -> list[Source]:
    """The dependencies to approve: not the private one of an endpoint file where there is a common one.

    One that reads what a middleware has opened is private to none. One of the session module that hands out what
    opens sessions will do where none hands out sessions.
    """
    found = [s for s in door.sources if s.kind == DEPENDENCY and s.function.parent is None]
    plain = [s for s in found if not s.by_call]
    found = plain or [s for s in found if s.path in door.files]
    if door.hands_out_sessions:
        found = [s for s in found if s.handed == SESSION]
    common = [s for s in found if s.received or s.path in door.files or s.path not in survey.endpoint_files]
    return sorted(common or found, key=_most_used)


def _objects(survey: Survey, door: Door, plain: list[Source]) -> tuple[list[Source], list[Source]]:
    """The dependencies to approve that hand out an object around a session, and those that too few ask for."""
    found = are_the_way(door.objects, plain)
    common = [s for s in found if s.path in door.files or s.path not in survey.endpoint_files]
    chosen, minor = _told_apart(survey, sorted(common or found, key=_most_used))
    return chosen, [*(s for s in door.objects if s not in found), *minor]


def _told_apart(survey: Survey, found: list[Source]) -> tuple[list[Source], list[Source]]:
    """The dependencies to approve, and those beside the session module that hardly anyone asks for."""
    near = {found[0].path, *_files_behind(survey, found[0])} if found else set()
    minor = [s for s in found if not s.passes_on and s.path not in near and _is_minor(s, found[0])]
    return [s for s in found if s not in minor], minor


def _is_minor(source: Source, first: Source) -> bool:
    if len({user.path for user in source.users}) >= _FILES:
        return False
    return len(source.users) < _SHARE_OF_DEPENDENCY * len(first.users)


def _minor_note(source: Source, first: Source) -> str:
    return f"{source.function.name}() of {source.path} {_use(source)}, while {first.name}() {_use(first)}"


def _contexts(survey: Survey, door: Door, files: set[str]) -> list[Source]:
    """The context managers to approve: those next to the engine or the dependency, and ones that many files share."""
    found = [s for s in door.sources if s.kind == CONTEXT and (s.handed == SESSION or not door.hands_out_sessions)]
    # what one of several equal users of an engine opens for itself is no way for the others
    found = [s for s in found if s.path not in door.apart]
    # what a function makes for itself alone says nothing of what else its file opens
    private = survey.program.shared(of_one_function)
    home = {site[0] for _, site in door.makers if site not in private} or door.files.keys()
    near = [s for s in found if s.path in home or s.path in files]
    far = [s for s in found if s not in near and s.path not in survey.endpoint_files]
    far = [s for s in far if not works_for_itself(survey, s)]
    shared = [s for s in far if len({u.path for u in s.users} - {s.path}) >= (2 if near or files else 1)]
    shared = shared or [s for s in far if len(found) == 1 and is_there_for_sessions(survey, s)]
    # what lies beside one that is shared is its twin, for reading for example
    twins = [s for s in far if s not in shared and s.users and any(s.path == other.path for other in shared)]
    chosen = sorted([*near, *shared, *twins], key=_most_used)
    # last: what remedies name is one that hands out sessions
    beside = (s for s in survey.sources if s.kind == CONTEXT and s.path in door.files and s not in chosen)
    return [*chosen, *(s for s in beside if is_for_tables(survey.program, s))]


def _most_used(source: Source) -> tuple[int, str, tuple[int, ...]]:
    """The first of a list is the one that remedies name."""
    return (-len(source.users), source.path, source.function.header)


# what nobody checks


def _unchecked(survey: Survey, path: str) -> Iterator[str]:
    """A warning about a session module in which functions open sessions and end transactions for themselves."""
    module = survey.program.solver.modules[path]
    doors = [s for s in survey.sources if s.path == path]
    entered = {
        c for d in doors if enters(d.function) and d.function.class_info for c in _family(survey, d.function.class_info)
    }
    rest = (f for f in module.functions if f.class_info not in entered)
    events = [e for f in rest if not _belongs(f, [door.function for door in doors]) for e in f.events]
    opens = len({e.span for e in events if e.kind in ("create", "obtain") and survey.program.sessions(e.subject)})
    ends = len({e.span for e in events if e.kind == "txn" and e.name in _ENDS})
    # a file that is one for what is entered there alone is about something else
    makes = any(site[0] == path for _, site in survey.makers)
    if opens + ends < (_MANY if makes or not entered else 1):
        return
    parts = [f"{plural(opens, 'place')} that {_verb(range(opens), 'open')} sessions"] if opens else []
    parts += [f"{ends} commits or rollbacks" if ends > 1 else "a commit or rollback"] if ends else []
    names = joined([f"{door.name}()" for door in doors[:2]]) or "what makes the engine"
    they = "they are" if opens + ends > 1 else "it is"
    yield f"{path} also holds {joined(parts)}, which nobody checks there; with {names} in a file of its own, {they}"


def _family(survey: Survey, info: ClassInfo) -> set[ClassInfo]:
    """A class with those above and below it."""
    mro = survey.program.solver.mro
    return {*mro(info), *(other for other in survey.program.classes if info in mro(other))}


def _belongs(function: FunctionInfo, doors: list[FunctionInfo]) -> bool:
    current: FunctionInfo | None = function
    while current is not None and current not in doors:
        current = current.parent
    return current is not None


# reasons


def _module_reason(survey: Survey, path: str, door: Door, sources: list[Source]) -> str:
    line_of = survey.program.line_of
    made = [(kind, line_of(*site)) for kind, site in _unique(door.makers) if site[0] == path]
    parts = [_made_there(made)] if made else []
    told = [s for s in sources if s.path == path or any(site[0] == path for _, site in s.behind)][:3]
    for source in told:
        alike = any(s is not source and s.name == source.name for s in told) and source.path != path
        name = f"{source.name}() of {source.path}" if alike else f"{source.name}()"
        opened = [line_of(*site) for kind, site in source.behind if site[0] == path and kind in _OPENED]
        if opened and source.path != path:
            parts.append(f"the {_OPENED[source.handed]} of {name} are opened there (line {opened[0]})")
        else:
            parts.append(f"{name} {_use(source)}")
    if not sources:
        users = [f for f in door.users if f.path != path]
        if made and not users and door.takers:
            parts.append(f"{plural(len(door.takers), 'other file')} {_verb(door.takers, 'take')} it from there")
        if made and door.scripts:
            parts.append(f"{plural(len(door.scripts), 'script')} {_verb(door.scripts, 'take')} it from there")
        if users:
            work = "sessions" if door.hands_out_sessions else "connections"
            does = f"{_verb(users, 'open')} {work} from it"
            does = f"{_verb(users, 'work')} with the session that is kept there" if door.kept and not made else does
            parts.append(f"{plural(len(users), 'function')} in other files {does}")
    return joined(parts) or "sessions are opened there"


def _made_there(made: list[tuple[str, int]]) -> str:
    if len(made) == 1:
        kind, line = made[0]
        return f"{_MADE[kind]} is created there (line {line})"
    return f"{joined([f'{_MADE[kind]} (line {line})' for kind, line in made])} are created there"


def _verb(users: Sized, verb: str) -> str:
    return f"{verb}s" if len(users) == 1 else verb


def _unique(makers: Iterable[Made]) -> list[Made]:
    """At most one of a kind and file: the first; engines before factories."""
    found: dict[tuple[str, str], Made] = {}
    for made in makers:
        found.setdefault((made[0], made[1][0]), made)
    return sorted(found.values(), key=lambda made: (list(_MADE).index(made[0]), made[1]))


def _use(source: Source) -> str:
    handed = _OPENED[source.handed]
    endpoints = len(source.endpoints)
    if source.kind == DEPENDENCY:
        others = len(source.users) - endpoints
        to = [plural(n, word) for n, word in ((endpoints, "endpoint"), (others, "dependency")) if n]
        return f"injects its {handed} into {joined(to)}"
    users = len(source.users)
    if source.kind == DECORATOR:
        return f"opens and hands in the {handed} of {plural(users, 'function')} that it decorates"
    if source.kind == HOOK:
        given = (
            f"{plural(users, 'function')} {_verb(source.users, 'work')} with"
            if users
            else "what it is called for works with"
        )
        return f"opens the {handed} that {given}"
    return f"hands its {handed} to {plural(users, 'function')}" if users else f"hands out its {handed}"


def _source_reason(source: Source) -> str:
    passes = "passes on the session of another dependency and " if source.passes_on else ""
    held = "" if source.named or source.kind != DEPENDENCY else "hands out an object that works with its session and "
    return f"it {passes}{held}{_use(source)}"


def _left_out(survey: Survey, door: Door, chosen: list[Door], modules: Collection[str]) -> list[str]:
    """What is said of a door that stays closed."""
    if not door.makers:
        return []
    kind, site = door.makers[0]
    path, line = site[0], survey.program.line_of(*site)
    users = door.users
    used = "no other file uses it"
    if door.takers:
        used = f"{plural(len(door.takers), 'other file')} {_verb(door.takers, 'take')} it, for no session of its own"
    elif door.scripts:
        used = f"{plural(len(door.scripts), 'script')} {_verb(door.scripts, 'use')} it"
    if users:
        used = f"{plural(len(users), 'function')} in other files {_verb(users, 'use')} it"
    article = "an" if kind == ENGINE else "a"
    others = len(chosen[0].users) if chosen else 0
    through = min(chosen[0].files, key=lambda path: (path not in modules, path)) if others else ""
    against = f", while {others} get their sessions through {through}" if others else ""
    return [f"{path} makes {article} {_MADE[kind].removeprefix('the ')} of its own (line {line}); {used}{against}"]
