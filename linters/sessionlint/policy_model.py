"""The policy of a project as plain frozen data, and the questions it answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sessionlint.globs import PathMatcher
from sessionlint.layers import LayerMap
from sessionlint.presets import DEFAULT_LAYERS, DEFAULT_PRESET, PRESETS, Suppressions, TenantPolicy, Tls
from sessionlint.report import Severity

OutputFormat = Literal["text", "json", "sarif", "github", "gitlab", "rdjson", "junit", "markdown"]

# Where a policy lies and what the answers are shown in do not change what is found.
_NOT_IN_DIGEST = frozenset({"root", "baseline", "cache_dir", "output_format"})


@dataclass(frozen=True, eq=False)
class Policy:
    """The approved ways of one project.

    ``root`` is the folder all paths and patterns are relative to. ``source`` says where the policy comes
    from: a file name relative to ``root``, ``"inferred"`` or ``"default"``. ``stated`` holds the keys the
    user wrote (``"session-modules"``, ``"layers.router"``) and ``key_lines`` the 1-based line of each in
    ``source``. Sessions come only from ``session_modules``, ``session_dependencies`` and
    ``session_contexts``; the qualified names in ``session_types``, ``session_factories``,
    ``network_calls``, ``background_sinks`` and ``auth_dependencies`` add to what is known built in.
    """

    root: Path = field(default_factory=Path)
    source: str = "default"
    preset: str = DEFAULT_PRESET
    src: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()
    session_modules: tuple[str, ...] = ()
    session_dependencies: tuple[str, ...] = ()
    session_contexts: tuple[str, ...] = ()
    session_types: tuple[str, ...] = ()
    session_factories: tuple[str, ...] = ()
    auth_dependencies: tuple[str, ...] = ()
    network_calls: tuple[str, ...] = ()
    background_sinks: tuple[str, ...] = ()
    tenant_names: tuple[str, ...] = ("tenant_id",)
    tenant_policy: TenantPolicy = PRESETS[DEFAULT_PRESET].tenant_policy
    tls: Tls = PRESETS[DEFAULT_PRESET].tls
    suppressions: Suppressions = PRESETS[DEFAULT_PRESET].suppressions
    pool_min: int = 5
    pooler_port: int = 6543
    allow_unprotected: tuple[str, ...] = ()
    select: tuple[str, ...] = ("TXN",)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(DEFAULT_LAYERS))
    severity: Mapping[str, Severity] = field(default_factory=dict)
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    baseline: str = "sessionlint-baseline.json"
    cache_dir: str = ".sessionlint_cache"
    output_format: OutputFormat = "text"
    stated: tuple[str, ...] = ()
    key_lines: Mapping[str, int] = field(default_factory=dict)

    def enabled(self, code: str) -> bool:
        """Whether rule ``code`` runs: the longest matching prefix in select, ignore and preset decides.

        On a tie an explicit ``select`` beats the preset, and ``ignore`` beats both. A policy that says itself that
        tenants may be filtered by selects none of that family; ``--select`` does.
        """
        if self.tenant_policy == "off" and "tenant-policy" in self.stated and code.startswith(_TENANTS):
            return False
        chosen = max(_longest(code, self.select), _longest(code, self.extend_select))
        ignored = _longest(code, self.ignore)
        left_off = _longest(code, self.preset_off)
        return chosen > 0 and chosen > ignored and chosen >= left_off

    @property
    def preset_off(self) -> tuple[str, ...]:
        """Code prefixes that stay off unless selected as precisely: the preset's, and tenants by their key."""
        tenant = (_TENANTS,) if self.tenant_policy == "off" else ()
        return PRESETS[self.preset].off + tenant

    def severity_of(self, code: str, default: Severity) -> Severity:
        """The severity the policy gives ``code`` (longest prefix first), else ``default``."""
        matching = [prefix for prefix in self.severity if code.startswith(prefix)]
        return self.severity[max(matching, key=len)] if matching else default

    def ignored_in_file(self, path: str, code: str) -> bool:
        """Whether ``per-file-ignores`` silences ``code`` in ``path``."""
        return any(code.startswith(codes) and matcher.matches(path) for matcher, codes in self._per_file_matchers)

    def layer_of(self, path: str) -> str | None:
        """The layer of ``path`` (relative to ``root``, with ``/``); the deepest matching pattern decides."""
        return self._layer_map.layer_of(path)

    def is_session_module(self, path: str) -> bool:
        """Whether ``path`` is one of the approved session modules."""
        return path in self._session_modules

    def is_excluded(self, path: str) -> bool:
        """Whether ``exclude`` names ``path`` or a folder above it."""
        return self._exclude.matches(path)

    def with_overrides(self, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> Policy:
        """The policy under ``--select`` (replaces select and ignore) and ``--ignore`` (adds to ignore)."""
        changed = self
        if select:
            stated = tuple(key for key in changed.stated if key != "tenant-policy")
            changed = dataclasses.replace(changed, select=tuple(select), extend_select=(), ignore=(), stated=stated)
        if ignore:
            changed = dataclasses.replace(changed, ignore=(*changed.ignore, *ignore))
        return changed

    @cached_property
    def digest(self) -> str:
        """A hash of everything that can change a finding; equal for equal policies on any machine."""
        values = {name: value for name, value in self._values().items() if name not in _NOT_IN_DIGEST}
        return hashlib.sha256(json.dumps(values, sort_keys=True, default=dict).encode()).hexdigest()[:32]

    @cached_property
    def cache_digest(self) -> str:
        """The same with the name of the root, by which modules may be imported: what stands for it in caches."""
        name = self.root.name.encode(errors="surrogatepass")
        return hashlib.sha256(self.digest.encode() + b" " + name).hexdigest()[:32]

    @cached_property
    def _layer_map(self) -> LayerMap:
        return LayerMap(self.layers)

    @cached_property
    def _session_modules(self) -> frozenset[str]:
        return frozenset(self.session_modules)

    @cached_property
    def _exclude(self) -> PathMatcher:
        return PathMatcher(self.exclude)

    @cached_property
    def _per_file_matchers(self) -> tuple[tuple[PathMatcher, tuple[str, ...]], ...]:
        return tuple((PathMatcher((pattern,)), codes) for pattern, codes in self.per_file_ignores.items())

    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((self.digest, self.root))

    def __getstate__(self) -> dict[str, Any]:
        # Compiled patterns are rebuilt where they are needed, so workers receive only plain data.
        return {**self._values(), "layers": dict(self.layers)}


#: The family that ``tenant-policy`` switches.
_TENANTS = "TXN3"


def _longest(code: str, prefixes: Sequence[str]) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)
