"""Every rule there is, read from the modules ``txnNNN_*.py`` next to this one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from sessionlint.codes import CODES
from sessionlint.patterns import regex
from sessionlint.rules.base import Bad, Check, Good, Rule

_MODULE = regex(r"txn(\d{3})_\w+\Z")


class BrokenRuleError(Exception):
    """A rule module that is not one: the whole run stops, for a rule left out would look like a clean project."""


@dataclass(frozen=True, slots=True)
class RuleModule:
    """What a rule module holds: the rule, its examples, its check, and the module's name."""

    META: Rule
    BAD: tuple[Bad, ...]
    GOOD: tuple[Good, ...]
    check: Check
    module: str


@cache
def all_rules() -> tuple[RuleModule, ...]:
    """All rules in the order of their codes. Raises :class:`BrokenRuleError` for a module that is not a rule."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("txn*.py"))
    return load_rules(f"{__package__}.{stem}" for stem in stems)


def load_rules(modules: Iterable[str]) -> tuple[RuleModule, ...]:
    """The rules in the named modules. Raises :class:`BrokenRuleError`."""
    rules = [_rule(importlib.import_module(name)) for name in modules]
    seen: dict[str, str] = {}
    for rule in rules:
        if rule.META.code in seen:
            raise BrokenRuleError(f"{rule.module}: {rule.META.code} is already the code of {seen[rule.META.code]}")
        seen[rule.META.code] = rule.module
    return tuple(sorted(rules, key=lambda rule: rule.META.code))


def _rule(module: ModuleType) -> RuleModule:
    name = module.__name__
    named = _MODULE.match(name.rpartition(".")[2])
    if not named:
        raise BrokenRuleError(f"{name}: a rule module is called txnNNN_<slug>")
    missing = [part for part in ("META", "BAD", "GOOD", "check") if not hasattr(module, part)]
    if missing:
        raise BrokenRuleError(f"{name}: lacks {', '.join(missing)}")
    meta: Rule = module.META
    if meta.code != f"TXN{named[1]}":
        raise BrokenRuleError(f"{name}: META.code is {meta.code}, the module's name says TXN{named[1]}")
    if CODES.get(meta.code) != meta.name:
        raise BrokenRuleError(f"{name}: META.name is {meta.name!r}, the table of codes says {CODES.get(meta.code)!r}")
    if not module.BAD or not module.GOOD:
        raise BrokenRuleError(f"{name}: BAD and GOOD need an example each")
    return RuleModule(meta, tuple(module.BAD), tuple(module.GOOD), module.check, name)
