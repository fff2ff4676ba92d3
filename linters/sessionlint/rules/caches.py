"""Decorators that keep what a function returns, and most of them what it was called with."""

from __future__ import annotations

from typing import Final

from sessionlint.program import keeping
from sessionlint.program.model import FunctionInfo

#: They keep the arguments of every call as the key of what they keep.
_KEEP_ARGUMENTS: Final[tuple[str, ...]] = (
    "functools.lru_cache", "functools.cache", "async_lru.alru_cache", "methodtools.lru_cache", "toolz.memoize",
    "toolz.functoolz.memoize", "cachetools.func.lru_cache", "cachetools.func.ttl_cache", "cachetools.func.lfu_cache",
    "cachetools.func.fifo_cache", "cachetools.func.rr_cache", "cachetools.func.mru_cache",
)  # fmt: skip
#: These do so, too, unless ``key=`` says what to go by.
_TOLD_THE_KEY: Final[tuple[str, ...]] = (
    "cachetools.cached", "cachetools.cachedmethod", "asyncache.cached", "asyncache.cachedmethod",
    "cachetools_async.cached", "cachetools_async.cachedmethod", "boltons.cacheutils.cached",
    "boltons.cacheutils.cachedmethod",
)  # fmt: skip
#: These go by a text that they make of the arguments.
_BY_TEXT: Final[tuple[str, ...]] = ("aiocache.cached", "aiocache.decorators.cached", "cacheout.Cache().memoize")
_CACHES: Final[tuple[str, ...]] = (*_KEEP_ARGUMENTS, *_TOLD_THE_KEY, *_BY_TEXT)


def is_cached(function: FunctionInfo) -> bool:
    """Whether a decorator keeps what the function returns."""
    return keeping.is_decorated(function, _CACHES)


def keeps_arguments(function: FunctionInfo) -> bool:
    """Whether a decorator keeps what the function is called with."""
    return keeping.is_decorated(function, _KEEP_ARGUMENTS) or any(
        atom.tag == "ext" and atom.name.removesuffix("()") in _TOLD_THE_KEY
        for expr, value in function.decorator_values
        for atom in value
        if expr[0] != "c" or all(name != "key" for name, _ in expr[4])
    )
