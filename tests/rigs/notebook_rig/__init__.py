"""A notebook with its server, its agents and the people at it, in this process."""

from ._agent import RunningAgent, StartAgent, run_stoppable_agent
from ._person import NOTEBOOK_ID, TIMEOUT_S, Person, cell_and_request, person_at
from ._scripts import deaf, die, forever
from ._server import TOKEN, RunningServer, StartServer, run_stoppable_server

__all__ = [
    "NOTEBOOK_ID",
    "TIMEOUT_S",
    "TOKEN",
    "Person",
    "RunningAgent",
    "RunningServer",
    "StartAgent",
    "StartServer",
    "cell_and_request",
    "deaf",
    "die",
    "forever",
    "person_at",
    "run_stoppable_agent",
    "run_stoppable_server",
]
