"""A memo on disk, so that the next run on a project evaluates only what changed since the last one.

Layout: ``MAGIC``, digest of the rest (16 bytes), the pickled memo. The file belongs to the policy, the version
of this tool and the interpreter; what does not match, is damaged, or asks for anything but the classes of a
memo counts as absent. A repository may carry such a file to attack who checks it: unpickling it can make
nothing but those plain records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sessionlint.atomic import write_atomically
from sessionlint.policy_model import Policy
from sessionlint.program import guards, memo, model, registering, values
from sessionlint.program.memo import Memo
from sessionlint.report_cache import tool_digest

_MAGIC: Final = b"SLMEMO01"
_KEPT: Final = 4
_MAX_AGE: Final = 14 * 86_400


def _kinds(module: ModuleType) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, kind in vars(module).items():
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            yield (module.__name__, name), kind


_PLAIN: Final[dict[tuple[str, str], Any]] = {
    **dict(_kinds(values)),
    **dict(_kinds(model)),
    **dict(_kinds(guards)),
    (memo.__name__, "Trace"): memo.Trace,
    (registering.__name__, "Route"): registering.Route,
    (model.__name__, "empty_function"): model.empty_function,
    (model.__name__, "empty_class"): model.empty_class,
    ("builtins", "complex"): complex,
    ("builtins", "Ellipsis"): Ellipsis,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "set"): set,
}
#: What plays no part in solving: policies that differ in nothing else share a memo.
_OF_RULES: Final[dict[str, Any]] = {
    "preset": "unit-of-work", "select": (), "extend_select": (), "ignore": (), "severity": {}, "per_file_ignores": {},
    "tls": "off", "pool_min": 0, "pooler_port": 0, "allow_unprotected": (), "exclude": (), "stated": (),
    "key_lines": {}, "source": "",
}  # fmt: skip


class MemoStore:
    """The memo of one policy in a cache folder."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        digest = dataclasses.replace(policy, **_OF_RULES).digest
        self._path = folder / f"memo-{digest[:16]}.bin"
        self._key = f"{digest} {tool_digest()}".encode()

    def load(self) -> Memo:
        """The memo of the last run; an empty one when there is none, whatever the reason."""
        try:
            data = self._path.read_bytes()
            body = data[24:]
            if data[:8] != _MAGIC or data[8:24] != self._digest(body):
                return Memo()
            return Memo(_Plain(io.BytesIO(body)).load())
        except (OSError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError):
            return Memo()

    def save(self, found: Memo) -> None:
        """Stores ``found`` in one step; not being able to is no error."""
        with contextlib.suppress(OSError, RecursionError):
            body = pickle.dumps(found.state, protocol=5)
            write_atomically(self._path, b"".join((_MAGIC, self._digest(body), body)))
            self._prune()

    def _digest(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=16, key=hashlib.sha256(self._key).digest()).digest()

    def _prune(self) -> None:
        stored = sorted(self._path.parent.glob("memo-*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)
        oldest = time.time() - _MAX_AGE
        for number, path in enumerate(stored):
            if number >= _KEPT or path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


class _Plain(pickle.Unpickler):
    """Makes the records of a memo and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of a record. Raises ``UnpicklingError`` for everything else."""
        try:
            return _PLAIN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a memo holds no {module}.{name}") from None
