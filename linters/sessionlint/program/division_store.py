"""What modules are called and which parts a program falls into, kept while the imports of its files are what they were.

Content of the signed file: the marshalled content keys of all files, parts and names. Marshal may crash on garbage, so
nothing is loaded that the digest does not vouch for.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sessionlint.facts.cache import FactsCache
from sessionlint.facts.packing import unpack
from sessionlint.policy_model import Policy
from sessionlint.program.modules import ModuleNames
from sessionlint.program.signed_file import SignedFile

_MAGIC: Final = b"SLPARTS2"
_KEPT: Final = 8
#: With more files changed than this, looking at all of them is as quick.
_MOST: Final = 40


class Division(NamedTuple):
    """What the modules of a program are called, and its parts."""

    names: ModuleNames
    parts: list[frozenset[str]]


class DivisionStore:
    """The division of a project in a cache folder, under one policy."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self._file = SignedFile(folder, "parts", _MAGIC, policy.cache_digest, "", _KEPT)

    def load(self, blobs: Mapping[str, bytes], keys: Mapping[str, bytes], cache: FactsCache) -> Division | None:
        """The division of files with these facts and content keys, if an earlier run left it in sight.

        ``cache`` holds the facts that files had then.
        """
        content = self._file.read()
        if not content:
            return None
        try:
            known, parts, names = marshal.loads(content)
        except (ValueError, EOFError, TypeError):
            return None
        if known.keys() != blobs.keys():
            return None
        changed = [path for path, key in known.items() if keys.get(path) != key]
        if len(changed) > _MOST or not all(_imports_the_same(cache.get(known[path]), blobs[path]) for path in changed):
            return None
        return Division(ModuleNames.of(names), [frozenset(part) for part in parts])

    def save(self, division: Division, blobs: Mapping[str, bytes], keys: Mapping[str, bytes]) -> None:
        """Stores it in one step, not being able to is no error."""
        parts = [sorted(part) for part in division.parts]
        kept: Any = ({path: keys.get(path, b"") for path in blobs}, parts, division.names.state)
        self._file.write([marshal.dumps(kept)])


def _imports_the_same(before: bytes | None, now: bytes) -> bool:
    if before is None or bool(before) != bool(now):
        return False
    return not now or bool(unpack(before)[1] == unpack(now)[1])
