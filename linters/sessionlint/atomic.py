"""Writing a file in one step: readers see the old content or the new, never half of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, data: bytes | Iterable[bytes], *, follow: bool = True) -> None:
    """Replaces ``path`` (or what it links to) with ``data``, keeping its permissions. Raises :class:`OSError`.

    Of data in pieces one is held at a time. Without ``follow`` a link is replaced itself: a repository may bring one
    along in place of a file that nobody asked to be written.
    """
    pieces = (data,) if isinstance(data, bytes) else data
    target = path.resolve() if follow else path
    if follow and target.exists() and not target.is_file():
        # a device or pipe is written to, never replaced
        target.write_bytes(b"".join(pieces))
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        if follow and target.exists():
            shutil.copymode(target, temporary)
        else:
            temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
