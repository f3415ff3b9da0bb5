"""IPython's shell with its outputs turned into messages."""

from asyncio import CancelledError
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type

from runt_kernel._bridge import Send

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_OWN_CODE = str(Path(__file__).parent)
_NO_SHELL = "there is no shell in the sandbox: only Python runs here"


class RuntDisplayHook(DisplayHook):
    """Sends the value of a cell's last expression as ``execute_result``."""

    send: Send = AnyTrait()

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
        display_id = (transient or {}).get("display_id")
        message = {
            "msg_type": "update_display_data" if update else "display_data",
            "data": data,
            "metadata": metadata or {},
        }
        if display_id is not None:
            message["display_id"] = str(display_id)
        self.send(message)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 (IPython's signature)
        self.send({"msg_type": "clear_output", "wait": bool(wait)})


class RuntShell(InteractiveShell):
    """An InteractiveShell without a terminal and without a history file."""

    displayhook_class = Type(RuntDisplayHook)
    display_pub_class = Type(RuntDisplayPublisher)
    send: Send = AnyTrait()
    is_interrupted: Callable[[], bool] = AnyTrait()

    def init_history(self) -> None:
        super().init_history()
        self.history_manager.enabled = False

    def init_displayhook(self) -> None:
        super().init_displayhook()
        self.displayhook.send = self.send

    def init_display_pub(self) -> None:
        super().init_display_pub()
        self.display_pub.send = self.send

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no event loop of a GUI to join; plots are inline."""

    def ask_exit(self) -> None:
        """``exit()`` ends nothing: the kernel belongs to the notebook."""

    def system(self, cmd: str) -> None:  # noqa: ARG002 (IPython's signature)
        raise OSError(_NO_SHELL)

    system_piped = system_raw = getoutput = system

    def showtraceback(self, exc_tuple: ExcInfo | None = None, **options: Any) -> None:
        """Show an exception; a cell that was interrupted in an await was cancelled."""
        etype, value, traceback = self._get_exc_info(exc_tuple)
        _cut_own_frames(traceback)
        if issubclass(etype, CancelledError) and self.is_interrupted():
            etype, value = KeyboardInterrupt, KeyboardInterrupt()
        super().showtraceback((etype, value, traceback), **options)

    def _showtraceback(
        self, etype: type, evalue: BaseException, stb: list[str]
    ) -> None:
        self.send(error_message(etype, evalue, stb))


def _cut_own_frames(traceback: TracebackType | None) -> None:
    """End a traceback where the user's code calls ours, e.g. a signal handler."""
    while traceback is not None and (below := traceback.tb_next) is not None:
        if below.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
            traceback.tb_next = None
        traceback = traceback.tb_next


def error_message(
    etype: type[BaseException], evalue: BaseException, traceback: list[str]
) -> dict[str, Any]:
    """Return the ``error`` message of an exception."""
    try:
        text = str(evalue)
    except Exception as error:  # noqa: BLE001 (user code; its failure is the text)
        text = f"<str() of the exception raised {type(error).__name__}>"
    return {
        "msg_type": "error",
        "ename": etype.__name__,
        "evalue": text,
        "traceback": list(traceback),
    }
