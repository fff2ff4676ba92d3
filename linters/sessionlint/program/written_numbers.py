"""Numbers that are written as a sum or product: ``pool_size=2 * 4``."""

from __future__ import annotations

from sessionlint.program.values import UNKNOWN, Const, Value


def worked_out(operator: str, left: Value, right: Value) -> Value:
    """The number that two written ones make; nothing for all else."""
    if len(left) != 1 or len(right) != 1 or left[0].tag != "const" or right[0].tag != "const":
        return UNKNOWN
    if left[0].kind != "int" or right[0].kind != "int":
        return UNKNOWN
    one: int = left[0].value
    other: int = right[0].value
    if operator == "+":
        return (Const(one + other, "int"),)
    if operator == "-":
        return (Const(one - other, "int"),)
    return (Const(one * other, "int"),) if operator == "*" else UNKNOWN


__all__ = ["worked_out"]
