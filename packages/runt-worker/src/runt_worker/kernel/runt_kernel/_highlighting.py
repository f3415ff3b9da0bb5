"""Tracebacks in colour, without doing the same work for each of them.

IPython, stack_data and pygments make a style, a formatter and a lexer for every
traceback, the lexer's regular expressions included. That takes most of the time from an
error to the end of its cell.
"""

from functools import lru_cache
from typing import Any

import stack_data
from pygments.formatters.terminal256 import Terminal256Formatter
from pygments.lexer import RegexLexerMeta

_STYLES = 8
"""More than a session sees."""


def install() -> None:
    """Keep what was made for one traceback for the next."""
    stack_data.style_with_executing_node = lru_cache(_STYLES)(
        stack_data.style_with_executing_node
    )
    _keep_escape_sequences()
    _share_tokens()


def _keep_escape_sequences() -> None:
    """Work out the colours of a style once."""
    work_out = Terminal256Formatter._setup_styles  # noqa: SLF001 (no other way in)
    known: dict[tuple[object, ...], dict[str, tuple[str, str]]] = {}

    def set_up(self: Any) -> None:
        key = (self.style, self.usebold, self.useunderline, self.useitalic)
        if key not in known:
            work_out(self)
            if len(known) == _STYLES:
                known.clear()
            known[key] = self.style_string
        self.style_string = known[key]

    Terminal256Formatter._setup_styles = set_up  # noqa: SLF001


def _share_tokens() -> None:
    """Let a lexer without tokens of its own take those of its only base."""
    make = RegexLexerMeta.__call__

    def make_lexer(cls: Any, *args: Any, **options: Any) -> Any:
        if "tokens" not in vars(cls) and len(cls.__bases__) == 1:
            ready = vars(cls.__base__).get("_tokens")
            if ready is not None and "_tokens" not in vars(cls):
                cls._tokens = ready
        return make(cls, *args, **options)

    RegexLexerMeta.__call__ = make_lexer
