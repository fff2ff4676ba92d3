"""From the votes of files to patterns: whole folders where they agree, file names that recur, else single files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from sessionlint.infer.votes import Vote
from sessionlint.patterns import regex

#: A folder is of one layer when at least this share of its voting files is.
_MAJORITY = 0.6
#: File names that mean one layer in every package of a project (``users/views.py``, ``orders/views.py``).
_STEMS = {
    "router": r"(?:api|controllers?|endpoints?|handlers?|resources?|routers?|routes?|views?)",
    "service": (
        r"(?:crud|dao|flows?|managers?|operations|queries|repo|repositor(?:y|ies)|selectors?|services?|use_?cases?)"
    ),
    "background": r"(?:background|consumers?|cron|jobs?|scheduled|schedulers?|tasks?|workers?)",
    "model": r"(?:db_models?|entit(?:y|ies)|models?|orm|tables?)",
    "auth": r"(?:auth(?:entication|orization)?|jwt|oauth2?|permissions?|security|tokens?)",
}
#: Functions that take a session are at home there, too: they load users, or their own rows, or are steps of a task.
_KEEPERS = ("auth", "model", "background")
_NAMED = {layer: regex(f"{names}\\Z", re.I) for layer, names in _STEMS.items()}


def patterns(votes: Mapping[str, Vote], roots: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Layer to patterns, each list sorted. No pattern names a folder of ``roots`` (or above), which hold everything."""
    found: dict[str, set[str]] = defaultdict(set)
    rest = dict(votes)
    for layer, pattern, covered in _by_name(rest):
        found[layer].add(pattern)
        for path in covered:
            rest.pop(path, None)
    folders = _by_folder(rest, roots)
    for folder, layer in folders.items():
        found[layer].add(f"{folder}/**")
    for path, vote in rest.items():
        around = folders.get(_above(path, folders) or "")
        if vote.alone and around != vote.layer and not (vote.layer == "service" and around in _KEEPERS):
            found[vote.layer].add(path)
    return {layer: tuple(sorted(found[layer])) for layer in sorted(found)}


# names that recur


def _by_name(votes: Mapping[str, Vote]) -> list[tuple[str, str, list[str]]]:
    """File names that stand for one layer in several folders: layer, pattern, files."""
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    for path, vote in votes.items():
        beside[_folder(path)][vote.layer] += 1
    for path, vote in votes.items():
        stem = _stem(path)
        if _NAMED[vote.layer].match(stem) and _is_mixed(beside[_folder(path)]):
            named[(vote.layer, stem)].append(path)
    found = []
    for (layer, stem), paths in sorted(named.items()):
        bearers = [v for p, v in votes.items() if _stem(p) == stem]
        agreeing = [v for v in bearers if v.layer == layer]
        if len({_folder(p) for p in paths}) >= 2 and len(agreeing) >= _MAJORITY * len(bearers):
            base = _common([p for p in votes if _stem(p) == stem and votes[p].layer == layer])
            found.append((layer, f"{base}/**/{stem}.py".lstrip("/"), [v.path for v in agreeing]))
    return found


def _is_mixed(layers: Counter[str]) -> bool:
    """Whether files of a folder do different things (or there is one), so that it cannot speak for them."""
    return layers.total() == 1 or len(layers) > 1


def _common(paths: Iterable[str]) -> str:
    """The deepest folder that holds all paths."""
    split = [p.split("/")[:-1] for p in paths]
    shared: list[str] = []
    for parts in zip(*split, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


# folders


def _by_folder(votes: Mapping[str, Vote], roots: Collection[str]) -> dict[str, str]:
    """The folders that are of one layer, without those that the folder above speaks for."""
    closed = {"", *roots, *(above for root in roots for above in _ancestors(root))}
    beside: dict[str, list[Vote]] = defaultdict(list)
    for path, vote in votes.items():
        if not vote.apart:
            beside[_folder(path)].append(vote)
    found: dict[str, str] = {}
    for folder, ballots in beside.items():
        layer = None if folder in closed else _winner(folder, ballots)
        if layer is not None:
            found[folder] = layer
    at_home = [f for f, ballots in beside.items() if _authenticates_by_data(f, found, ballots)]
    return _merged({f: layer for f, layer in found.items() if f not in at_home}, beside, closed)


def _authenticates_by_data(folder: str, found: Mapping[str, str], ballots: list[Vote]) -> bool:
    """Whether a folder below one of authentication, whose files take sessions, is part of that.

    Some handle credentials, and no name says that it holds data access: ``security/providers``, not
    ``security/repositories``.
    """
    above = _above(folder, found)
    if found.get(folder) != "service" or above is None or found[above] != "auth":
        return False
    names = folder[len(above) + 1 :].split("/")
    return any(v.layer == "auth" for v in ballots) and not any(_NAMED["service"].match(name) for name in names)


def _winner(folder: str, ballots: list[Vote]) -> str | None:
    """The layer a folder's name says if any file agrees, else that of most files if they are two or more."""
    counts = Counter(vote.layer for vote in ballots)
    named = [layer for layer in counts if _is_named(folder, layer)]
    if named:
        return named[0]
    layer = max(sorted(counts), key=counts.__getitem__)
    if layer == "auth":
        return None  # what may handle credentials is named file by file
    return layer if counts[layer] >= 2 and counts[layer] >= _MAJORITY * len(ballots) else None


def _ancestors(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _is_named(folder: str, layer: str) -> bool:
    return bool(_NAMED[layer].match(folder.rpartition("/")[2]))


def _merged(found: dict[str, str], beside: Mapping[str, list[Vote]], closed: Collection[str]) -> dict[str, str]:
    """Takes a folder in place of those below it when all of them agree and it bears the layer's name, or holds it."""
    merged = dict(found)
    for folder in sorted({_folder(f) for f in found} - set(closed), key=lambda f: -f.count("/")):
        below = {f: layer for f, layer in merged.items() if f.startswith(f"{folder}/")}
        voters = [v for f, ballots in beside.items() if f == folder or f.startswith(f"{folder}/") for v in ballots]
        layer, *others = {*below.values(), *(v.layer for v in voters)}
        covers = len(below) >= 2 or folder in merged
        if not others and covers and _is_named(folder, layer):
            merged = {f: kept for f, kept in merged.items() if f not in below}
            merged[folder] = layer
    return {f: layer for f, layer in merged.items() if merged.get(_above(f, merged) or "") != layer}


def _above(path: str, folders: Mapping[str, str]) -> str | None:
    """The nearest of ``folders`` that holds ``path``."""
    folder = _folder(path)
    while folder:
        if folder in folders:
            return folder
        folder = _folder(folder)
    return None


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")
