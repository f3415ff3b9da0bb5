"""The last means against a cell that catches every interrupt and goes on."""

import sys
from types import CodeType

_LIBRARIES = ("/lib/", "<frozen ")
"""Where the code lies that is not the user's: the standard library, packages, ours."""

_NAME = "runt"


class Force:
    """Raises KeyboardInterrupt at each line of the user's code, while it is applied.

    So no handler of it can do anything, and the exception leaves them all. Libraries
    are spared, for they must let go of what they hold.
    """

    def __init__(self) -> None:
        self._tool: int | None = None

    def apply(self) -> None:
        """Begin, also in the frames that are under way."""
        if self._tool is None and (tool := _free_tool()) is not None:
            self._tool = tool
            sys.monitoring.use_tool_id(tool, _NAME)
            line = sys.monitoring.events.LINE
            sys.monitoring.register_callback(tool, line, _interrupt)
            sys.monitoring.set_events(tool, line)

    def release(self) -> None:
        """End; what runs next knows nothing of it."""
        tool, self._tool = self._tool, None
        if tool is not None and sys.monitoring.get_tool(tool) == _NAME:
            sys.monitoring.set_events(tool, sys.monitoring.events.NO_EVENTS)
            sys.monitoring.free_tool_id(tool)


def _free_tool() -> int | None:
    """Return a number for `sys.monitoring`; None if debuggers have them all."""
    numbers = range(sys.monitoring.OPTIMIZER_ID, -1, -1)
    return next((n for n in numbers if sys.monitoring.get_tool(n) is None), None)


def _interrupt(code: CodeType, _line: int) -> None:
    if not code.co_filename.startswith(_LIBRARIES):
        raise KeyboardInterrupt
