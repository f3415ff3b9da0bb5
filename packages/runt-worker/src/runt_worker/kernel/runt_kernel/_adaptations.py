"""What some libraries need that look for a Jupyter front end, or for threads.

Each is changed when it is imported, and only where it would fail or flood the notebook
otherwise. Nothing is imported for it.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

from runt_kernel import _rich
from runt_kernel._absent import NO_PROCESSES, no_browser, no_processes

Adapt = Callable[[Any], None]

_PROCESS_PARTS = ("Manager", "Pool", "Queue", "SimpleQueue", "JoinableQueue")


def install() -> None:
    """Watch imports from the beginning of ``sys.meta_path``."""
    if not any(isinstance(finder, AdaptationFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AdaptationFinder())
    for name, adapt in _ADAPTATIONS.items():
        if name in sys.modules:
            adapt(sys.modules[name])


class AdaptationFinder:
    """Lets the other finders find a module, and adapts it once it is executed."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the spec of a module that is to be adapted."""
        if fullname not in _ADAPTATIONS:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _AdaptingLoader(spec.loader, _ADAPTATIONS[fullname])
                return spec
        return None


class _AdaptingLoader:
    """Adapts what another loader has loaded, and leaves no trace in the module."""

    def __init__(self, loader: Loader, adapt: Adapt) -> None:
        self._loader = loader
        self._adapt = adapt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._adapt(module)


def _adapt_tqdm(module: Any) -> None:
    module.tqdm.monitor_interval = 0  # a thread; without one it warns


def _adapt_tqdm_notebook(module: Any) -> None:
    """Show bars as text: a widget would never be updated here."""

    class TextBar(module.std_tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("display", None)  # only the widget knows it
            super().__init__(*args, **options)

    def trange(*args: int, **options: Any) -> TextBar:
        return TextBar(range(*args), **options)

    module.IProgress = TextBar  # else tqdm.auto warns that there are no widgets
    module.tqdm = module.tqdm_notebook = TextBar
    module.trange = module.tnrange = trange


def _adapt_plotly_renderers(module: Any) -> None:
    """Pass a check: plotly asks for the version of nbformat and uses nothing of it."""
    if module.nbformat is None:
        module.nbformat = SimpleNamespace(__version__="5.10.4")


def _adapt_multiprocessing_process(module: Any) -> None:
    module.BaseProcess.start = no_processes


def _adapt_multiprocessing_context(module: Any) -> None:
    for name in _PROCESS_PARTS:
        setattr(module.BaseContext, name, no_processes)


def _adapt_process_pools(module: Any) -> None:
    # What it found out before it raises NotImplementedError with this text.
    module._system_limits_checked = True  # noqa: SLF001 (it has no public name)
    module._system_limited = NO_PROCESSES  # noqa: SLF001


def _adapt_webbrowser(module: Any) -> None:
    module.open = module.open_new = module.open_new_tab = no_browser


_ADAPTATIONS: dict[str, Adapt] = {
    "concurrent.futures.process": _adapt_process_pools,
    "multiprocessing.context": _adapt_multiprocessing_context,
    "multiprocessing.process": _adapt_multiprocessing_process,
    "plotly.io._renderers": _adapt_plotly_renderers,
    "rich.live": _rich.adapt_live,
    "rich.progress": _rich.adapt_progress,
    "tqdm.notebook": _adapt_tqdm_notebook,
    "tqdm.std": _adapt_tqdm,
    "webbrowser": _adapt_webbrowser,
}
