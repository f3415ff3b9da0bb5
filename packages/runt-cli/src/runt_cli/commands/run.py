"""`runt run`: a notebook or script headless, with its outputs kept."""

import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import trio

from runt_agent import AgentConfig, Service, fetch_identity, open_notebook, run_agent
from runt_cli._connection_options import (
    AUTH_TOKEN_OPTION,
    ENV_FILE,
    NOTEBOOK_OPTION,
    connection_of,
)
from runt_cli._errors import ConfigurationError, NotebookFileError
from runt_cli._file_options import FileFlags
from runt_cli._headless import HeadlessRun
from runt_cli._limit_options import LimitFlags
from runt_cli._logging import log_to_stderr
from runt_cli._network_options import NetworkFlags
from runt_cli._notebook_file import NotebookDocument, read_document
from runt_cli._preparation import prepare_sandbox
from runt_cli._printer import Printer
from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_cli._script_metadata import script_metadata
from runt_cli._settings import Flags
from runt_cli._stopping import Stop, stop_on_signals
from runt_cli._worker_options import worker_options
from runt_sync import open_server
from runt_worker import WorkerOptions, private_directory

_CELL_RAISED: Final = 1
_EMBEDDED_NOTEBOOK: Final = "notebook"


@dataclass(frozen=True, kw_only=True)
class _Job:
    document: NotebookDocument
    result: Path | None
    allow_errors: bool
    options: WorkerOptions


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A notebook at a service; an agent, where this process has to bring it along."""

    service: Service
    notebook_id: str
    agent: Callable[..., Awaitable[Any]] | None = None


@click.command(short_help="Run a notebook or script headless, keep its outputs.")
@click.argument("source", type=click.Path(path_type=Path), metavar="NOTEBOOK|SCRIPT")
@click.option(
    "-o",
    "--output",
    "result",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the notebook with its outputs to FILE, also if a cell raises.",
)
@click.option(
    "--allow-errors", is_flag=True, help="Go on behind a cell that raises; exit with 0."
)
@click.option(
    # A variable, which may be there for the agent, must not send cells elsewhere.
    "--sync-url",
    "-s",
    metavar="URL",
    help="Have the cells executed in a notebook of this sync server.",
)
@NOTEBOOK_OPTION
@AUTH_TOKEN_OPTION
@ENV_FILE
@sandbox_options
def command(
    source: Path,
    result: Path | None,
    *,
    allow_errors: bool,
    env_file: str | None,
    sandbox: SandboxFlags,
    **settings: str | None,
) -> int:
    """Run a notebook (.ipynb) or script (.py; `# %%` begins a cell) headless.

    Outputs are shown as they come. Everything happens in this process, unless
    --sync-url is given: then the cells join that notebook, and the agent that is
    attached to it executes them. The exit status is 1 if a cell raised; those behind
    it are not run then.

    What a script's block `# /// script` (PEP 723) names as its dependencies is there
    before its first cell.
    """
    place = _remote_place(Flags(**settings), env_file)
    if place is not None:
        _check_nothing_is_for_an_agent(sandbox)
    if result is not None:
        _check_writable(result)
    document = read_document(source)
    job = _Job(
        document=document,
        result=result,
        allow_errors=allow_errors,
        options=worker_options(sandbox, _required_by(document)),
    )
    log_to_stderr(sandbox.log, usual="warning")
    return trio.run(_run, job, place)


def _check_nothing_is_for_an_agent(sandbox: SandboxFlags) -> None:
    """Refuse what a command does not decide whose cells an agent executes elsewhere.

    Raises:
        ConfigurationError: There is something.
    """
    if sandbox.files != FileFlags():
        raise ConfigurationError(
            "--mount, --mount-readonly and --output-dir belong to the agent that "
            "executes the cells; where --sync-url is given, that is another command: "
            "give them to it."
        )
    if sandbox.packages.requirements:
        raise ConfigurationError(
            "--requirements belongs to the agent that executes the cells; where "
            "--sync-url is given, that is another command: give it to that one."
        )
    if sandbox.limits != LimitFlags():
        raise ConfigurationError(
            "--memory-limit, --cell-timeout, --max-output and --interrupt-grace belong "
            "to the agent that executes the cells; where --sync-url is given, that is "
            "another command: give them to that one."
        )
    if sandbox.network != NetworkFlags():
        raise ConfigurationError(
            "--allow-net belongs to the agent that executes the cells; where "
            "--sync-url is given, that is another command: give it to that one."
        )


def _required_by(document: NotebookDocument) -> WorkerOptions:
    code = (cell.source for cell in document.cells if cell.kind == "code")
    metadata = script_metadata("\n".join(code))
    return WorkerOptions(
        requirements=metadata.dependencies,
        requires_python=metadata.requires_python,
    )


def _remote_place(flags: Flags, env_file: str | None) -> _Place | None:
    if flags.sync_url is None:
        if flags != Flags() or env_file is not None:
            raise ConfigurationError(
                "--notebook, --auth-token and --env-file say where a notebook is "
                "that an agent serves; that needs --sync-url too."
            )
        return None
    connection = connection_of(flags, env_file)
    service = Service(sync_url=flags.sync_url, auth_token=connection.auth_token)
    return _Place(service=service, notebook_id=connection.notebook_id)


def _check_writable(result: Path) -> None:
    """Find out before the work what would make it useless.

    Raises:
        NotebookFileError: The result could not be written.
    """
    place = result if result.exists() else result.absolute().parent
    if result.is_dir() or not os.access(place, os.W_OK):
        raise NotebookFileError(f"{result} cannot be written.")


async def _run(job: _Job, place: _Place | None) -> int:
    succeeded = None
    async with stop_on_signals() as stop:
        try:
            if place is None:
                succeeded = await _run_embedded(job, stop)
            else:
                succeeded = await _run_at(place, job, stop)
        finally:
            # What ran before a signal or an agent's end is worth keeping. What did
            # not run at all must not cost anybody the outputs of an earlier time.
            if succeeded is not None or job.document.has_results:
                _write(job)
    if succeeded is None:
        return stop.exit_status
    return 0 if succeeded else _CELL_RAISED


def _write(job: _Job) -> None:
    if job.result is not None:
        job.document.write(job.result)


async def _run_embedded(job: _Job, stop: Stop) -> bool | None:
    """Run with a server and an agent of our own; None if a signal ended it."""
    with stop.scope() as scope:
        await prepare_sandbox(job.options)
    if scope.cancelled_caught:
        return None
    token = secrets.token_urlsafe()
    with private_directory("server") as folder:
        async with open_server(data_dir=folder / "data", token=token) as server:
            service = Service(sync_url=server.sync_url, auth_token=token)
            config = AgentConfig(
                notebook_id=_EMBEDDED_NOTEBOOK,
                auth_token=token,
                sync_url=server.sync_url,
            )
            agent = partial(run_agent, config, worker_options=job.options)
            place = _Place(service=service, notebook_id=_EMBEDDED_NOTEBOOK, agent=agent)
            return await _run_at(place, job, stop)


async def _run_at(place: _Place, job: _Job, stop: Stop) -> bool | None:
    """Join the notebook and run the document in it; None if a signal ended it."""
    with stop.scope(), trio.CancelScope() as joining:
        service = place.service
        user = await fetch_identity(service)
        async with open_notebook(
            sync_url=service.sync_url,
            notebook_id=place.notebook_id,
            payload={"authToken": service.auth_token},
        ) as notebook:
            # From here on a signal ends what happens in the notebook only: requests
            # are withdrawn and sessions terminated through this connection.
            joining.shield = True
            run = HeadlessRun(
                document=job.document,
                notebook=notebook,
                service=service,
                user_id=user.id,
                printer=Printer(sys.stdout, sys.stderr),
            )
            with stop.scope():
                async with trio.open_nursery() as nursery:
                    if place.agent is not None:
                        await nursery.start(place.agent)
                    succeeded = await run.run(allow_errors=job.allow_errors)
                    nursery.cancel_scope.cancel()
                return succeeded
    return None
