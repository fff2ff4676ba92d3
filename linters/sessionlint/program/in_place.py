"""What stands for an object that has changed, in the place of what stood for it: under every name of a function."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import MAX_DEPTH, Value, contained


def put(frame: Frame, changed: dict[Any, Any]) -> None:
    """Names that hold one of these atoms, alone or in something else, hold the other from here on."""
    for name, value in frame.env.items():
        if any(a in changed for a in contained(value)):
            frame.env[name] = _with_changed(value, changed)


def _with_changed(value: Value, changed: dict[Any, Any], depth: int = MAX_DEPTH) -> Value:
    """The value with other atoms in the place of some, in lists, dictionaries and objects too."""
    if depth < 0:
        return value

    def inside(entries: Any) -> Any:
        return tuple((k, _with_changed(v, changed, depth - 1)) for k, v in entries)

    out: list[Any] = []
    for atom in value:
        if atom in changed:
            out.append(changed[atom])
            continue
        if atom.tag == "map":
            atom = atom._replace(items=inside(atom.items), whole=inside(atom.whole))
        elif atom.tag == "seq":
            atom = atom._replace(items=tuple(_with_changed(v, changed, depth - 1) for v in atom.items))
        elif atom.tag == "inst":
            atom = atom._replace(bindings=inside(atom.bindings))
        out.append(changed.get(atom, atom))
    return tuple(dict.fromkeys(out))


__all__ = ["put"]
