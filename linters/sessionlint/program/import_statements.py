"""Import statements, wherever they stand."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, join


def run(frame: Frame, s: ir.Stmt) -> None:
    """``import module as alias``."""
    for module, alias in s[2]:
        frame.emit("import", s[1], name=module)
        if not frame.depth:
            frame.solver.note_import(frame.module, (module, None, s[1], frame.function))
        if alias:
            frame.bind(alias, frame.solver.module_value(module, frame.path), s[1])
        else:
            frame.bind(module.partition(".")[0], frame.solver.module_value(module.partition(".")[0], frame.path), s[1])


def _take(frame: Frame, known_as: str, module: str, level: int, name: str) -> None:
    """What is imported under a name that the module assigns later: nobody else who asks for the name means it."""
    value = frame.solver.import_name(frame.path, module, level, name)
    previous = frame.env.get(known_as, UNKNOWN) if "handler" in frame.flags else UNKNOWN
    frame.env[known_as] = join(value, previous)
    frame.imported_before.append((known_as, module, level, name))


def give_back(frame: Frame) -> None:
    """Where a library alone knows what was assigned (``Session = traced(Session)``), it may be what was imported."""
    for known_as, module, level, name in frame.imported_before:
        value = frame.env.get(known_as, UNKNOWN)
        if value and all(a.tag == "ext" for a in value):
            frame.solver.import_later(frame.path, known_as, module, level, name)


def run_from(frame: Frame, s: ir.Stmt) -> None:
    """``from module import name as alias``; at the top of a module what a name stands for is found out when asked."""
    module, level = s[2], s[3]
    dotted = frame.solver.names.absolute(frame.path, module, level)
    for name, alias in s[4]:
        frame.emit("import", s[1], name=dotted, text=name)
        if not frame.depth:
            frame.solver.note_import(frame.module, (dotted, name, s[1], frame.function))
        if name == "*":
            target = frame.solver.module_value(dotted, frame.path)
            frame.solver.write(("stars", frame.path), target)
            continue
        if frame.function.name == "<module>" and frame.class_scope is None:
            if frame.assigned_at.get(alias or name, 0) > s[1][0]:
                _take(frame, alias or name, module, level, name)
                continue
            frame.solver.import_later(frame.path, alias or name, module, level, name)
            frame.env.pop(alias or name, None)
            frame.imported.add(alias or name)
            continue
        value = frame.solver.import_name(frame.path, module, level, name)
        previous = frame.env.get(alias or name)
        # ``try: import x / except ImportError: x = None`` keeps both
        frame.bind(alias or name, join(value, previous or UNKNOWN) if "handler" in frame.flags else value, s[1])
