"""Every disguise there is, and what each cannot leave as it is, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType

from tests.disguises import blocks, calls, holders, imports, signatures, structure, texts, values
from tests.disguises.project import Project


@dataclass(frozen=True, slots=True)
class Disguise:
    """A transformation that keeps what a program does; ``not_for`` says, by code, why a rule rightly sees a change."""

    id: str
    apply: Callable[[Project], bool]
    not_for: Mapping[str, str] = field(default_factory=dict)


_HOP = "a new function that hands out a session is one more hop, which the rule reports"
_RECORDS = "what an except clause does besides logging, or a decorator, may record the failure: doubt is silent"
_AGAIN = "what stands in a loop may run again"
_BLOCK = "the rule is about `with` blocks, and there is none any more"
_NAMED = "the rule knows an id by the name it is given"
_KEPT = "the task is kept by the object that it is put into"

_NOT_FOR: dict[str, dict[str, str]] = {
    "blocks.in_loop_once": {"TXN209": _AGAIN, "TXN210": _AGAIN, "TXN602": _AGAIN},
    "blocks.entered_by_hand": dict.fromkeys(
        ("TXN203", "TXN204", "TXN205", "TXN206", "TXN207", "TXN209", "TXN210", "TXN211", "TXN603"), _BLOCK
    ),
    "blocks.in_try_that_raises": {"TXN604": _RECORDS},
    "blocks.in_null_context": {"TXN604": _RECORDS},
    "values.": {"TXN702": _NAMED, "TXN605": _KEPT},
    "calls.": {"TXN604": _RECORDS},
    "structure.decorator": {"TXN604": _RECORDS, "TXN105": _HOP},
    "values.returned": {"TXN105": _HOP},
    "values.yielded_by_generator": {"TXN105": _HOP},
    **{
        helper: {"TXN101": _HOP, "TXN105": _HOP, "TXN106": _HOP, "TXN604": _RECORDS}
        for helper in (
            "calls.lambda_call", "calls.extracted", "structure.in_nested_function", "holders.held_in_lambda",
            "holders.held_by_inner_function", "holders.held_by_callable_object", "values.handed_out_by_context",
        )
    },
}  # fmt: skip


def _not_for(identity: str) -> dict[str, str]:
    return {code: why for start, codes in _NOT_FOR.items() if identity.startswith(start) for code, why in codes.items()}


#: Rules about comments, files and the policy, which say nothing about what a program does.
NOT_ABOUT_CODE = "TXN9"


def _of(module: ModuleType) -> list[Disguise]:
    found = []
    for key, apply in vars(module).items():
        is_own = callable(apply) and getattr(apply, "__module__", "") == module.__name__ and not key.startswith("_")
        if is_own and getattr(apply, "__annotations__", None) == {"project": "Project", "return": "bool"}:
            identity = f"{module.__name__.rpartition('.')[2]}.{key}"
            found.append(Disguise(identity, apply, _not_for(identity)))
    return found


def _nothing(project: Project) -> bool:
    return True


_MODULES = (imports, holders, calls, values, blocks, structure, signatures, texts)
DISGUISES = [Disguise("as written", _nothing), *(d for m in _MODULES for d in _of(m))]
