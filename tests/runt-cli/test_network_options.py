"""`--allow-net`, as commands take it; what is granted, from a real sandbox."""

from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from http_thread import serving
from runt_command import runt

from runt_cli._network_options import NetworkFlags, network_options, with_network
from runt_worker import NetworkGrants, WorkerOptions


@click.command()
@click.argument("source")
@click.option("--other", is_flag=True)
@network_options
def command(source: str, *, other: bool, network: NetworkFlags) -> None:
    click.echo(f"{source} {other} {list(network.allowed)}")


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["code"], []),
        (["code", "--allow-net"], ["*"]),
        (["--allow-net", "--other", "code"], ["*"]),
        (["--allow-net", "--", "code"], ["*"]),
        (["--allow-net", "*", "code"], ["*"]),
        (["--allow-net=a.example:8080", "code"], ["a.example:8080"]),
        (
            ["--allow-net", "a.example", "code", "--allow-net", "::1", "--allow-net"],
            ["a.example", "::1", "*"],
        ),
    ],
)
def test_hosts_are_named_or_all_are_meant(
    arguments: list[str], allowed: list[str]
) -> None:
    done = CliRunner().invoke(command, arguments)
    assert done.output == f"code {'--other' in arguments} {allowed}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--allow-net", "https://a.example/", "code"],
            "leave away what stands before",
        ),
        (["--allow-net", "print(1)"], "'print(1)' is no name of a host"),
        (["--allow-net", "127.1", "code"], "write it as four decimal numbers"),
        (["--allow-net", "a.example:0", "code"], "ports are numbers from 1 to 65535"),
    ],
)
def test_what_is_no_host_is_explained(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    text = " ".join(done.output.split())
    assert says in text
    assert "For every public host, write --allow-net '*'" in text


def test_the_flag_becomes_grants() -> None:
    assert not with_network(WorkerOptions(), NetworkFlags()).allow_net
    flags = NetworkFlags(("a.example", "*"))
    grants = with_network(WorkerOptions(), flags).allow_net
    assert grants == NetworkGrants.parse("a.example", "*")


class _Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from the host")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Greeting)
    with serving(server):
        yield server.server_address[1]


def get(port: int) -> str:
    url = f"http://127.0.0.1:{port}/"
    return (
        f"import urllib.request\nprint(urllib.request.urlopen('{url}').read().decode())"
    )


def test_a_snippet_reaches_what_is_named_and_is_told_what_to_name(port: int) -> None:
    done = runt("exec", "--allow-net", f"127.0.0.1:{port}", get(port))
    assert (done.status, done.out) == (0, "hello from the host\n")
    refused = runt("exec", get(port), "--allow-net")
    assert refused.status == 1
    assert f"run again with --allow-net 127.0.0.1:{port}" in refused.err


def test_the_agent_of_a_notebook_has_the_grant(port: int, tmp_path: Path) -> None:
    script = tmp_path / "get.py"
    script.write_text(get(port))
    done = runt("run", script, "--allow-net", f"localhost:{port}", "--allow-net", "*")
    assert done.status == 1
    assert f"run again with --allow-net 127.0.0.1:{port}" in done.out + done.err
    done = runt("run", script, "--allow-net", f"127.0.0.1:{port}")
    assert (done.status, done.out) == (0, "hello from the host\n")


def test_cells_do_not_reach_the_server_of_their_own_notebook(tmp_path: Path) -> None:
    script = tmp_path / "look.py"
    # The server's port is not known to cells; a scan would find it.
    script.write_text(
        "from pyodide.http import pyfetch\n"
        "refused = 0\n"
        "for host in ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::]']:\n"
        "    for port in range(30000, 30040):\n"
        "        try:\n"
        "            await pyfetch(f'http://{host}:{port}/')\n"
        "        except OSError as error:\n"
        "            refused += 'run again with --allow-net' in str(error)\n"
        "print(refused)\n"
    )
    done = runt("run", script, "--allow-net")
    assert (done.status, done.out) == (0, "200\n")


def test_the_grant_belongs_to_the_agent_that_runs_the_cells() -> None:
    where = ["-s", "ws://127.0.0.1:9", "-n", "x", "-t", "y"]
    done = runt("run", __file__, *where, "--allow-net")
    assert done.status == 2
    assert "--allow-net belongs to the agent" in done.err
