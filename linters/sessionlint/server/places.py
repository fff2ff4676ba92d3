"""Files as URIs, and URIs as files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path


class Places:
    """Which file a client's URI means, and which URI a client knows a file by.

    Files are told apart by their real path; a client may know them through symbolic links, and writes a URI in its
    own way: what it sent is what it gets back.
    """

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}
        self._folders: dict[Path, Path] = {}

    def folder(self, uri: str) -> Path | None:
        """The real folder of a workspace folder's URI; None when it is not on this machine."""
        path = to_fs_path(uri)
        if not path:
            return None
        real = Path(os.path.realpath(path))
        self._folders[real] = Path(path)
        return real

    def file(self, uri: str) -> Path | None:
        """The real file of a URI; None for one that is not on the disk, such as an untitled document's."""
        path = to_fs_path(uri)
        return Path(os.path.realpath(path)) if path else None

    def opened(self, file: Path, uri: str) -> None:
        """From now on the client knows the file by this URI."""
        self._known[file] = uri

    def closed(self, files: Iterable[Path]) -> None:
        """The client has closed the files."""
        for file in files:
            self._known.pop(file, None)

    def uri(self, file: Path) -> str:
        """The URI the client knows a file by."""
        known = self._known.get(file)
        if known is not None:
            return known
        for real, given in self._folders.items():
            if file.is_relative_to(real):
                file = given / file.relative_to(real)
                break
        return from_fs_path(str(file)) or file.as_uri()
