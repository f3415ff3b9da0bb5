"""rich's live displays and progress bars, without the threads and the widget they use.

They are refreshed when the program touches them, as often as the thread would have done
it, and shown as a display of the notebook that is updated in place.
"""

# ruff: noqa: SLF001 (the insides of rich are what is changed here)
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Self

from IPython.core.display_functions import DisplayHandle, display

_TOUCHING = ("advance", "update")
"""Methods of Progress after which there is something new to show."""


def adapt_live(module: Any) -> None:
    """Change ``rich.live``."""
    refresh_on_terminal = module.Live.refresh

    def refresh(live: Any) -> None:
        """Update the display of the Live Render."""
        if not live.console.is_jupyter:
            refresh_on_terminal(live)
        elif getattr(live, "_nested", False) and live.console._live_stack:
            live.console._live_stack[0].refresh()
        else:
            if live.ipy_widget is None:
                live.ipy_widget = _Display(module.JupyterMixin._repr_mimebundle_)
            live.ipy_widget.show(live.renderable)

    module._RefreshThread = _Refresher
    module.Live.refresh = refresh
    module.Live.update = _then_refresh(module.Live.update, lambda live: live)


def adapt_progress(module: Any) -> None:
    """Change ``rich.progress``."""
    module._TrackThread = _Tracker
    for name in _TOUCHING:
        method = getattr(module.Progress, name)
        refreshing = _then_refresh(method, lambda progress: progress.live)
        setattr(module.Progress, name, refreshing)


class _Display:
    """In the place of an ipywidgets Output."""

    def __init__(self, bundle: Callable[..., dict[str, str]]) -> None:
        self._bundle = bundle
        self._handle: DisplayHandle | None = None

    def show(self, renderable: object) -> None:
        data = self._bundle(renderable, include=(), exclude=())
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


class _Refresher:
    """In the place of the thread that refreshes a live display."""

    def __init__(self, live: Any, refresh_per_second: float) -> None:
        self._live = live
        self._interval_s = 1 / refresh_per_second
        self._next_at = 0.0

    def start(self) -> None:
        if self._live.console.is_jupyter:  # a spinner is not touched before it ends
            self._live.refresh()
        self._next_at = time.monotonic() + self._interval_s

    def touch(self) -> None:
        if time.monotonic() >= self._next_at:
            self._live.refresh()
            self._next_at = time.monotonic() + self._interval_s

    def stop(self) -> None:
        if self._live.console.is_jupyter:  # elsewhere Live does it itself
            self._live.refresh()

    def join(self) -> None:
        """There is nothing to wait for."""


class _Tracker:
    """In the place of the thread that counts what ``track`` has handed out."""

    def __init__(self, progress: Any, task_id: int, update_period: float) -> None:
        self._progress = progress
        self._task_id = task_id
        self._interval_s = update_period
        self._next_at = time.monotonic() + update_period
        self._completed = self._reported = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._report()
        self._progress.refresh()

    @property
    def completed(self) -> int:
        return self._completed

    @completed.setter
    def completed(self, count: int) -> None:
        self._completed = count
        if time.monotonic() >= self._next_at:
            self._report()
            self._next_at = time.monotonic() + self._interval_s

    def _report(self) -> None:
        self._progress.advance(self._task_id, self._completed - self._reported)
        self._reported = self._completed


def _then_refresh(
    method: Callable[..., None], live_of: Callable[[Any], Any]
) -> Callable[..., None]:
    @wraps(method)
    def touching(owner: Any, *args: Any, **options: Any) -> None:
        method(owner, *args, **options)
        refresher = live_of(owner)._refresh_thread
        if isinstance(refresher, _Refresher):
            refresher.touch()

    return touching
