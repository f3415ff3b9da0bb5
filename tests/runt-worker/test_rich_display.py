"""What libraries show: the same as in an ipykernel, which runs the same cells.

The sandbox loads compiled packages by itself; the pure ones of this environment it
reads in place, through a mount. docs/display.md lists what is compared here.
"""

import base64
import struct
import sysconfig
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from runt_worker import (
    DisplayData,
    Error,
    ExecuteResult,
    HostMount,
    Output,
    Stream,
    UpdateDisplayData,
    WorkerOptions,
)
from runt_worker.testing import Ran, SharedWorker, shared_worker

PURE = [
    "altair",
    "bokeh",
    "networkx",
    "plotly",
    "_plotly_utils",
    "rich",
    "seaborn",
    "tqdm",
    "attr",
    "attrs",
    "jinja2",
    "jsonschema",
    "markdown_it",
    "markupsafe",
    "mdurl",
    "narwhals",
    "packaging",
    "pygments",
    "pyrsistent",
    "_pyrsistent_version.py",
    "tornado",
    "typing_extensions.py",
    "xyzservices",
    "yaml",
]
"""Modules of this environment that run in the sandbox as they are."""

FETCHED = ["numpy", "PIL", "matplotlib", "pandas", "scipy", "sympy"]
"""Modules that the sandbox fetches by itself, since its lock file names them."""

Shape = tuple[str, ...]
"""Kind of a message, and what tells it from others: MIME types, a stream's name…"""

CELLS = {
    "matplotlib": [
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "figure, axes = plt.subplots()",
        "figure",
        "plt.plot([1, 2]); plt.show(); print('shown')",
        "plt.plot([1, 2]); 1 / 0",
        "print('no figure is left')",
        "plt.figure(); plt.figure(); None",
        "%config InlineBackend.figure_formats = ['svg']\nplt.plot([1, 2]);",
        "%config InlineBackend.figure_formats = {'png', 'svg'}\nplt.plot([1, 2]);",
        "%config InlineBackend.figure_formats = ['retina']\nplt.plot([1, 2]);",
        "%matplotlib inline\nplt.plot([1, 2]);",
        "%matplotlib bogus",
        "%matplotlib",
        "%matplotlib inline",
    ],
    "pandas": [
        "import pandas as pd\nframe = pd.DataFrame({'a': [1, 2]})",
        "frame",
        "frame['a']",
        "display(frame, frame['a'])",
        "frame.style.highlight_max()",
        "frame.plot();",
        "pd.DataFrame({'a': range(10**6)})",
    ],
    "numpy and PIL": [
        "import numpy as np\nnp.arange(6).reshape(2, 3)",
        "from PIL import Image\nImage.new('RGB', (3, 2))",
        "Image.new('L', (3, 2))",
    ],
    "sympy": [
        "import sympy\nx = sympy.Symbol('x')",
        "sympy.sqrt(x) / 2",
        "sympy.Matrix([x, 1])",
        "[x, x**2]",
    ],
    "networkx": [
        "import networkx as nx\nnx.draw(nx.path_graph(3))",
        "nx.path_graph(3)",
    ],
    "seaborn": [
        "import seaborn as sns\nsns.scatterplot(x=[1, 2], y=[1, 2])",
        "sns.color_palette()",
    ],
    "plotly": [
        "import plotly.graph_objects as go\nbars = go.Figure(go.Bar(y=[2, 1]))",
        "bars",
        "bars.show()",
        "display(bars)",
    ],
    "altair": [
        "import altair as alt, pandas as pd",
        "chart = alt.Chart(pd.DataFrame({'a': [1]})).mark_bar().encode(x='a:Q')",
        "chart",
        "display(chart)",
        "alt.renderers.enable('mimetype')\nchart",
    ],
    "bokeh": [
        "from bokeh.io import output_notebook, show\noutput_notebook()",
        "from bokeh.plotting import figure\np = figure(); p.line([1], [1]); show(p)",
    ],
    "tqdm": [
        "from tqdm import tqdm\nfor _ in tqdm(range(3)): pass",
    ],
    "rich": [
        "import rich\nrich.print('[bold]bold[/bold]', {'a': 1})",
        "from rich.table import Table\nTable('a', 'b')",
        "from rich.console import Console\nConsole().print('text'); Console().rule()",
    ],
    "IPython.display": [
        "import io, numpy as np, PIL.Image\nfrom IPython.display import *",
        "picture = io.BytesIO(); PIL.Image.new('L', (3, 2)).save(picture, 'png')",
        "display(HTML('<b>'), Markdown('*'), Latex('$x$'), Math('x'), Pretty('x'))",
        "display(SVG(\"<svg xmlns='http://www.w3.org/2000/svg'></svg>\"))",
        "display(Image(picture.getvalue()), Image(picture.getvalue(), width=9))",
        "display(Audio(np.sin(np.arange(99)), rate=8000), Video('a.mp4'))",
        "display(JSON({'a': [1]}), GeoJSON({'type': 'Point', 'coordinates': [0, 0]}))",
        "display(Javascript('1'), Code('x = 1'), IFrame('a.html', 1, 1))",
        "open('a.txt', 'w').close(); display(FileLink('a.txt'), FileLink('none'))",
        "%%html\n<b>",
        "%%javascript\n1",
        "%%latex\n$x$",
        "%%markdown\n*",
        "%%svg\n<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        "handle = display('one', display_id=True); handle.update('two')",
        "update_display('three', display_id='new')",
        "clear_output(wait=True); print(1)",
        "display({'text/plain': 'x', 'application/x-own+json': {}}, raw=True)",
        "get_ipython().display_pub.publish('no bundle')",
    ],
    "objects": [
        """class Everything:
    def _repr_html_(self): return "h"
    def _repr_latex_(self): return "$x$"
    def _repr_png_(self): return b"x"
    def _repr_svg_(self): return "<svg/>"
    def _repr_jpeg_(self): return b"x"
    def _repr_json_(self): return {}
    def _repr_markdown_(self): return "x"
    def _repr_javascript_(self): return "x"
    def _repr_pdf_(self): return b"x"
Everything()""",
        """class Bundle:
    def _repr_html_(self): return "h"
    def _repr_mimebundle_(self, **_): return {"a/b": "x"}, {"a/b": {"width": 1}}
Bundle()""",
        "display(Bundle(), include=['a/b'], metadata={'more': 1})",
        "class Own:\n    def _ipython_display_(self): print('shown')\nOwn()",
        "class NoText:\n    def __repr__(self): raise ValueError('no')\nNoText()",
        "display(NoText())",
        "class NoHtml:\n    def _repr_html_(self): raise ValueError('no')\nNoHtml()",
        "class Not:\n    def _ipython_display_(self): raise ValueError('no')\nNot()",
        "%config InteractiveShell.ast_node_interactivity = 'all'",
        "1\n2",
        "%config InteractiveShell.ast_node_interactivity = 'last_expr'",
    ],
}


@pytest.fixture(scope="module")
def peer(
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[BlockingKernelClient]:
    directory = tmp_path_factory.mktemp("ipykernel")
    manager, client = start_new_kernel(cwd=str(directory))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def libraries() -> Generator[SharedWorker]:
    site_packages = Path(sysconfig.get_path("purelib"))
    options = WorkerOptions(mounts=(HostMount(host_path=site_packages),))
    with shared_worker(options) as shared:
        code = f"""
import os, sys
[mount] = os.listdir("/mnt")
os.mkdir("pure")
for name in os.listdir(f"/mnt/{{mount}}"):
    if (name.partition("-")[0] if name.endswith(".dist-info") else name) in {PURE!r}:
        os.symlink(f"/mnt/{{mount}}/{{name}}", f"pure/{{name}}")
sys.path.append(os.path.abspath("pure"))
del mount, name
"""
        assert shared.run(code).status == "ok"
        # Here, so that nothing about it is among what the cells below show. The pure
        # ones have others fetched, too.
        for package in (*FETCHED, "seaborn", "altair", "plotly", "bokeh"):
            assert shared.run(f"import {package}").status == "ok"
        yield shared


def shapes_in_peer(client: BlockingKernelClient, code: str) -> list[Shape]:
    """Run a cell in the ipykernel and return its messages, then how it ended."""
    shapes: list[Shape] = []

    def show(message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        match kind:
            case "stream":
                shapes.append((kind, content["name"]))
            case "error":
                shapes.append((kind, content["ename"]))
            case "display_data" | "update_display_data" | "execute_result":
                shapes.append((kind, *_keys(content["data"], content["metadata"])))
            case "clear_output":
                shapes.append((kind, str(content["wait"])))
            case _:
                assert kind in {"status", "execute_input"}

    reply = client.execute_interactive(code, output_hook=show, timeout=60)
    return [*_joined(shapes), (reply["content"]["status"],)]


def shapes_in_sandbox(ran: Ran) -> list[Shape]:
    """Return the messages of a cell, then how it ended."""
    shapes = [_shape(output) for output in ran.outputs]
    return [*_joined(shapes), ("ok" if ran.status == "ok" else "error",)]


def _shape(output: Output) -> Shape:
    kind = str(output.__struct_config__.tag)
    match output:
        case Stream():
            return kind, output.name
        case Error():
            return kind, output.ename
        case DisplayData() | UpdateDisplayData() | ExecuteResult():
            return kind, *_keys(output.data, output.metadata)
        case _:
            return kind, str(output.wait)


def _keys(data: dict[str, Any], metadata: dict[str, Any]) -> Shape:
    return *sorted(data), *(f"metadata of {key}" for key in sorted(metadata))


def _joined(shapes: list[Shape]) -> list[Shape]:
    """Take pieces of one stream for one."""
    return [
        shape
        for shape, before in zip(shapes, [None, *shapes], strict=False)
        if shape[0] != "stream" or shape != before
    ]


@pytest.mark.parametrize("library", CELLS)
def test_a_library_shows_what_it_shows_in_ipykernel(
    libraries: SharedWorker, peer: BlockingKernelClient, library: str
) -> None:
    for code in CELLS[library]:
        ran = libraries.run(code)
        expected = shapes_in_peer(peer, code)
        assert shapes_in_sandbox(ran) == expected, (code, ran.of_type(Error))


def show(sandbox: SharedWorker, code: str) -> DisplayData:
    """Run a cell that shows one display, and return that."""
    ran = sandbox.run(code)
    [shown] = ran.of_type(DisplayData)
    assert ran.status == "ok"
    return shown


def png_size(data: str) -> tuple[int, int]:
    picture = base64.b64decode(data)
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_a_figure_has_the_size_and_format_that_was_asked_for(
    libraries: SharedWorker,
) -> None:
    setting = "%config InlineBackend.figure_formats = ['{}']\n"
    plot = (
        "import matplotlib.pyplot as plt\n"
        "%config InlineBackend.print_figure_kwargs = {'bbox_inches': None}\n"
        "plt.figure(figsize=(3, 2), dpi=100); plt.plot([1, 2]);"
    )
    png = show(libraries, setting.format("png") + plot)
    assert png_size(png.data["image/png"]) == (300, 200)
    retina = show(libraries, setting.format("retina") + plot)
    assert png_size(retina.data["image/png"]) == (600, 400)
    assert retina.metadata == {"image/png": {"width": 300, "height": 200}}
    svg = show(libraries, setting.format("svg") + plot)
    assert "<svg" in svg.data["image/svg+xml"]
    libraries.run(setting.format("png"))


def test_figures_find_no_window_and_stay_below_the_cell(
    libraries: SharedWorker,
) -> None:
    for backend in ["qt", "tk", "widget", "notebook"]:
        ran = libraries.run(f"%matplotlib {backend}")
        assert ran.status == "UsageError"
        assert "there are no windows and no widgets in the sandbox" in (
            ran.text("stderr")
        )
    assert "there are no windows" in libraries.run("%gui qt").text("stderr")
    assert libraries.run("%matplotlib").status == "ok"
    figure = show(libraries, "import matplotlib.pyplot as plt; plt.plot([1, 2]);")
    assert "image/png" in figure.data


def test_a_table_of_a_million_rows_is_shortened(libraries: SharedWorker) -> None:
    code = "import pandas as pd; pd.DataFrame({'a': range(10**6)})"
    [table] = libraries.run(code).of_type(ExecuteResult)
    assert "1000000 rows" in table.data["text/html"]
    assert len(table.data["text/html"]) < 10_000


def test_a_display_that_is_too_large_fails_in_its_cell(
    libraries: SharedWorker,
) -> None:
    for show_it in ["display(HTML(text))", "HTML(text)"]:
        code = f"from IPython.display import HTML\ntext = 'ü' * 50_000_000\n{show_it}"
        ran = libraries.run(code)
        [error] = ran.of_type(Error)
        assert ran.status == error.ename == "ValueError"
        assert "this output has 100,000,1" in error.evalue
    assert libraries.run("len(text)").status == "ok"


def test_a_bar_of_tqdm_for_notebooks_is_text(libraries: SharedWorker) -> None:
    # In ipykernel it fails without ipywidgets; with them nobody would update it here.
    for import_line in [
        "from tqdm.notebook import tqdm, trange",
        "from tqdm.auto import tqdm, trange",
    ]:
        code = f"{import_line}\nfor _ in tqdm(range(3), desc='bar', display=True): pass"
        if "auto" in import_line:
            code = code.replace(", display=True", "")
        ran = libraries.run(code)
        assert ran.status == "ok"
        assert ran.text("stderr").endswith("it/s]\n")
        assert "Warning" not in ran.text("stderr")
        assert "bar: 100%" in ran.text("stderr")


def test_progress_of_rich_updates_one_display(libraries: SharedWorker) -> None:
    # In ipykernel it takes threads, and ipywidgets.
    code = """
import time
from rich.progress import Progress, track
for _ in track(range(20), description="tracked"):
    time.sleep(0.02)
with Progress(refresh_per_second=20) as progress:
    task = progress.add_task("advanced", total=10)
    for _ in range(10):
        progress.advance(task)
        time.sleep(0.02)
"""
    ran = libraries.run(code)
    assert (ran.status, ran.text("stderr")) == ("ok", "")
    ids = {shown.display_id for shown in ran.of_type(DisplayData)} - {None}
    updates = ran.of_type(UpdateDisplayData)
    assert len(ids) == len({update.display_id for update in updates}) == 2
    for name in ["tracked", "advanced"]:
        texts = [u.data["text/plain"] for u in updates if name in u.data["text/plain"]]
        assert 2 < len(texts) < 30
        assert "100%" in texts[-1]
        assert "100%" not in texts[0]


def test_a_spinner_of_rich_shows_while_it_spins(libraries: SharedWorker) -> None:
    code = """
from rich.console import Console
with Console().status("working"):
    print("printed meanwhile")
"""
    ran = libraries.run(code)
    shown = [
        output.data["text/plain"]
        for output in ran.outputs
        if isinstance(output, DisplayData | UpdateDisplayData)
    ]
    working = next(at for at, text in enumerate(shown) if "working" in text)
    assert working < shown.index("printed meanwhile\n")
    assert ran.of_type(UpdateDisplayData)[-1].data["text/plain"] == ""


def test_a_live_display_of_rich_ends_with_its_last_state(
    libraries: SharedWorker,
) -> None:
    code = """
from rich.live import Live
from rich.table import Table
table = Table("count")
with Live(table) as live:
    for count in range(5):
        table.add_row(f"row {count}")
with Live("gone", transient=True) as live:
    live.update("changed")
"""
    ran = libraries.run(code)
    assert ran.status == "ok"
    updates = ran.of_type(UpdateDisplayData)
    assert (
        "row 4"
        in [u for u in updates if "count" in u.data["text/plain"]][-1].data["text/html"]
    )
    assert updates[-1].data == {"text/plain": "", "text/html": ""}
