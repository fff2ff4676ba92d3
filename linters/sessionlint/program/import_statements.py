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
            frame.solver.import_later(frame.path, alias or name, module, level, name)
            frame.env.pop(alias or name, None)
            frame.imported.add(alias or name)
            continue
        value = frame.solver.import_name(frame.path, module, level, name)
        previous = frame.env.get(alias or name)
        # ``try: import x / except ImportError: x = None`` keeps both
        frame.bind(alias or name, join(value, previous or UNKNOWN) if "handler" in frame.flags else value, s[1])
