"""What a memory image holds ready: modules that notebooks import, code that has run.

The first use of many things costs more than all later ones: IPython's compiler, the
highlighting of tracebacks, jedi's grammar. Each is used once here.
"""

import importlib
import tempfile

from runt_kernel._kernel import Kernel

_MODULES = """
abc argparse ast base64 bisect calendar cmath collections.abc contextlib copy csv
dataclasses datetime decimal difflib email.message enum fractions functools getpass glob
gzip hashlib heapq html html.parser http.client inspect io itertools json keyword
linecache locale logging math mimetypes numbers operator os pathlib pickle platform
pprint queue random re secrets shlex shutil signal sqlite3 statistics string struct
subprocess tempfile textwrap threading time timeit tokenize traceback types typing
unicodedata unittest urllib.parse urllib.request uuid warnings weakref
xml.etree.ElementTree zipfile zoneinfo
IPython.display
"""
"""What is found in the first cells of notebooks, and what libraries import first."""

_CELLS = (
    "1 + 1",
    "print('warm', flush=True)",
    "async def answer(): return 42\nawait answer()",
    "%time sum(range(10))",
    "def raises(): return 1 / 0\nraises()",
    # A traceback through asyncio, of which every interrupted await has one.
    "import asyncio; await asyncio.sleep(float('nan'))",
    "from IPython.display import display, HTML; display(HTML('<b>warm</b>'))",
)
_COMPLETIONS = ("import js", "import json; json.du", "%ti", "'abc'.up")


def warm(kernel: Kernel) -> None:
    """Import and use what sessions will need; the kernel is as new afterwards."""
    for name in _MODULES.split():
        importlib.import_module(name)
    for code in _CELLS:
        kernel.try_cell(code)
    for code in _COMPLETIONS:
        kernel.try_completion(code)
    kernel.reset()
    tempfile._name_sequence = None  # noqa: SLF001 (it holds a random generator)
