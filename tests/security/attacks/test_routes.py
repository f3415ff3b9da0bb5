"""The same attacks from where nobody expects code to run.

The sandbox knows no difference between a cell and what a cell sets off, and these show
it. A sample by default; `--every-route` takes each attack by each route.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Attack

REACHED = ("gained ", "met ", "WorkerDied")
"""What shows that an attack ran: it came to its end, or its kernel did."""


MAGIC = """
from IPython.core.magic import register_cell_magic
@register_cell_magic
def assail(line, cell):
    run_sync(assault(cell))
"""

PACKAGE = r"""
import importlib, zipfile
module = f"assault_{time.time_ns()}"
code = (
    "from IPython import get_ipython\n"
    "names = get_ipython().user_ns\n"
    f"names['run_sync'](names['assault']({SOURCE!r}))\n"
)
with zipfile.ZipFile("/tmp/assault-1-py3-none-any.whl", "w") as wheel:
    metadata = "Metadata-Version: 2.1\nName: assault\nVersion: 1\n"
    wheel.writestr("assault-1.dist-info/METADATA", metadata)
    wheel.writestr(f"{module}.py", code)
%pip install -q /tmp/assault-1-py3-none-any.whl
importlib.import_module(module)
"""

DESTRUCTOR = """
class Assault:
    def __del__(self):
        run_sync(assault(SOURCE))
it = Assault()
del it
"""

BACKGROUND = """
async def later():
    await asyncio.sleep(0.01)  # its cell has ended by then
    await assault(SOURCE)
background = asyncio.create_task(later())
"""


CELLS = {
    "magic": (MAGIC, "%%assail\nPLAIN"),
    "package import": (PACKAGE,),
    "destructor": (DESTRUCTOR,),
    "background task": (BACKGROUND, "await asyncio.wait([background], timeout=20)"),
}
"""The cells that run a source by a route."""


def cells_of(route: str, source: str) -> list[str]:
    return [
        cell.replace("SOURCE", repr(source)).replace("PLAIN", source)
        for cell in CELLS[route]
    ]


def test_no_attack_harms_the_host_by_another_route(
    assail: Callable[..., str],
    source_of: Callable[["Attack"], str],
    attack: "Attack",
    route: str,
) -> None:
    spoils = attack.get("spoils", False)
    said = assail(*cells_of(route, source_of(attack)), spoils=spoils)
    assert spoils or any(word in said for word in REACHED), said
