"""Text of unknown content made harmless: nothing invisible, nothing that cannot be encoded, nothing endless."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` on one line with every character visible.

    Control characters, line ends, marks that change the direction of writing and lone surrogates are
    written as Python escapes (``\\x1b``, ``\\u202e``): in a terminal, a web page or XML they would hide
    or forge what is said, or be refused.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def encodable(text: str) -> str:
    """``text`` as it is but for lone surrogates, which UTF-8 cannot hold: for names a receiver looks up."""
    return text.encode(errors="replace").decode()


def shortened(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` characters, the last one an ellipsis when something is left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
