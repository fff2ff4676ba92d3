"""Programs in one repository that know nothing of each other: what no import joins is solved apart.

Values travel along imports only. So the findings in one part do not depend on the others, as long as no file of another
is asked for while it is solved (by a name that is put together, for example); who solves parts has to look after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sessionlint.facts.packing import unpack
from sessionlint.policy_model import Policy
from sessionlint.program.modules import ModuleNames

#: Less than this (bytes of facts; some 60,000 lines) is solved in one piece, and no part is smaller than the second.
WORTH = 6 << 20
_LARGE = 1 << 20


def divided(blobs: Mapping[str, bytes], names: ModuleNames, policy: Policy) -> list[frozenset[str]]:
    """The parts of a program, the one of the policy's own modules (and of all that is small) first.

    ``blobs`` are the facts by path. One part, or none, when dividing is not worth it.
    """
    if sum(map(len, blobs.values())) < WORTH:
        return []
    joined = _joined(blobs, names, entered(blobs, policy))
    sizes = {part: sum(len(blobs[path]) for path in part) for part in joined}
    large = sorted((part for part in joined if sizes[part] >= _LARGE), key=lambda part: (-len(part), min(part)))
    if len(large) < 2:
        return []
    named = (_file(names, name) for name in _named(policy))
    home = next((part for path in named for part in large if path in part), large[0])
    rest = frozenset(path for part in joined if part not in large for path in part)
    return [home | rest, *(part for part in large if part is not home)]


def passed_over(blobs: Mapping[str, bytes], policy: Policy) -> list[str]:
    """The files that the screen passed over, but for tests and migrations."""
    return [p for p, b in blobs.items() if not b and policy.layer_of(p) not in ("test", "migration")]


def entered(blobs: Mapping[str, bytes], policy: Policy) -> list[str]:
    """The files a program is entered by: all but tests and migrations, which may do what they need."""
    return sorted(p for p, b in blobs.items() if b and policy.layer_of(p) not in ("test", "migration"))


def merged(parts: Sequence[frozenset[str]], left: Mapping[frozenset[str], frozenset[str]]) -> list[frozenset[str]]:
    """The parts, those put together of which one read a file of the other, or both a file that belongs to none.

    ``left`` are the files beyond each part that were read.
    """
    groups: list[tuple[frozenset[str], frozenset[str]]] = []
    for part in parts:
        own, read = part, part | left[part]
        for group in [group for group in groups if not group[1].isdisjoint(read)]:
            own, read = own | group[0], read | group[1]
            groups.remove(group)
        groups.append((own, read))
    first = parts[0]
    return sorted((own for own, _ in groups), key=lambda own: not first <= own)


def _joined(blobs: Mapping[str, bytes], names: ModuleNames, entries: Iterable[str]) -> list[frozenset[str]]:
    """The files that are reached from the entries, those together that imports join."""
    leader: dict[str, str] = {}

    def led_by(path: str) -> str:
        while leader[path] != path:
            leader[path] = path = leader[leader[path]]
        return path

    pending = list(entries)
    leader.update((path, path) for path in pending)
    while pending:
        path = pending.pop()
        for other in _imported(path, blobs[path], names) if blobs[path] else ():
            if other not in blobs:
                continue  # it cannot be read
            if other not in leader:
                leader[other] = other
                pending.append(other)
            leader[led_by(other)] = led_by(path)
    groups: dict[str, list[str]] = {}
    for path in leader:
        groups.setdefault(led_by(path), []).append(path)
    return [frozenset(group) for group in groups.values()]


def _imported(path: str, blob: bytes, names: ModuleNames) -> Iterator[str]:
    for module, level, members in unpack(blob)[1]:
        dotted = names.absolute(path, module, level)
        parts = dotted.split(".")
        candidates = [".".join(parts[:number]) for number in range(1, len(parts) + 1)]
        candidates += [f"{dotted}.{member}" for member in members]
        for candidate in candidates:
            found = names.path_of(candidate, path)
            if found is not None:
                yield found


def _named(policy: Policy) -> tuple[str, ...]:
    return (*policy.session_modules, *policy.session_dependencies, *policy.session_contexts)


def _file(names: ModuleNames, name: str) -> str | None:
    """The file of a session module, or of the module that a dotted name of the policy lies in."""
    if name in names.primary:
        return name
    while name:
        path = names.path_of(name)
        if path is not None:
            return path
        name = name.rpartition(".")[0]
    return None
