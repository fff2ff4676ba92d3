"""Regular expressions that are compiled when they are first asked: most runs meet few of them."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Pattern:
    """Stands for a pattern. What was asked of it once is kept, so that asking again costs nothing more."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._asked = (source, flags)

    def __getattr__(self, name: str) -> Any:
        source, flags = self._asked
        answer = getattr(re.compile(source, flags), name)
        self.__dict__[name] = answer
        return answer


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """The same as ``re.compile``, at the first use: compiling all of the rules' would take a third of the imports."""
    return cast("re.Pattern[AnyStr]", _Pattern(source, flags))
