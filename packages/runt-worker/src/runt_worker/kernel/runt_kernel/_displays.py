"""What IPython displays, turned into messages."""

from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from traitlets import Any as AnyTrait

from runt_kernel._bridge import Send

_MAX_ID = 1000
"""Characters; the supervisor takes no longer one."""


class RuntDisplayHook(DisplayHook):
    """Sends the value of a cell's last expression as ``execute_result``.

    Attributes:
        is_active: whether a value is being turned into text right now.
    """

    send: Send = AnyTrait()
    is_active = False

    def __call__(self, result: object = None) -> None:
        self.is_active = True
        try:
            super().__call__(result)
        finally:
            self.is_active = False

    def quiet(self) -> bool:
        try:
            return super().quiet()
        except IndexError:  # nothing in the history yet
            return False

    def start_displayhook(self) -> None:
        self._data: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def write_output_prompt(self) -> None:
        """The front end writes the prompt."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        self._data = (format_dict, md_dict or {})

    def finish_displayhook(self) -> None:
        data, metadata = self._data
        if data:
            self.send(
                {
                    "msg_type": "execute_result",
                    "data": data,
                    "metadata": metadata,
                    "execution_count": self.prompt_count,
                }
            )


class RuntDisplayPublisher(DisplayPublisher):
    """Sends ``display_data``, ``update_display_data`` and ``clear_output``."""

    send: Send = AnyTrait()

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        # The supervisor would end the kernel for anything else.
        self._validate_data(data, metadata)
        display_id = (transient or {}).get("display_id")
        message = {
            "msg_type": "update_display_data" if update else "display_data",
            "data": data,
            "metadata": metadata or {},
        }
        if display_id is not None:
            message["display_id"] = _checked_id(str(display_id))
        self.send(message)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 (IPython's signature)
        self.send({"msg_type": "clear_output", "wait": bool(wait)})


def _checked_id(display_id: str) -> str:
    if len(display_id) > _MAX_ID:
        raise ValueError(f"a display_id has at most {_MAX_ID:,} characters")
    return display_id
