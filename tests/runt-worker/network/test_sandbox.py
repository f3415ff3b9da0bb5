"""Requests of cells, in a real sandbox, to a real server."""

import pytest
from network_rig import Site

from runt_worker import Error, ExecuteResult
from runt_worker.testing import Ran, SharedWorker


def result(ran: Ran) -> str:
    assert ran.status == "ok", ran.of_type(Error)
    [shown] = ran.of_type(ExecuteResult)
    text = shown.data["text/plain"]
    assert isinstance(text, str)
    return text


GET = {
    "urllib": (
        "import urllib.request\n"
        "with urllib.request.urlopen(URL, timeout=20) as answer:\n"
        "    text = answer.read().decode()\ntext"
    ),
    "http.client": (
        "import http.client\nconnection = http.client.HTTPConnection(HOST)\n"
        "connection.request('GET', '/')\nconnection.getresponse().read().decode()"
    ),
    "pyfetch": (
        "from pyodide.http import pyfetch\nawait (await pyfetch(URL)).string()"
    ),
    "pyxhr": "from pyodide.http import pyxhr\npyxhr.get(URL).text",
    "open_url": "from pyodide.http import open_url\nopen_url(URL).read()",
    "js.fetch": "import js\nawait (await js.fetch(URL)).text()",
    "requests": "import requests\nanswer = requests.get(URL)\nanswer.text",
    "requests, streamed": (
        "import requests\nb''.join(requests.get(URL, stream=True).iter_content(2))"
        ".decode()"
    ),
    "urllib3": (
        "import urllib3\nurllib3.PoolManager().request('GET', URL).data.decode()"
    ),
    "httpx": "import httpx\nhttpx.get(URL).text",
    "httpx, async": (
        "import httpx\nasync with httpx.AsyncClient() as client:\n"
        "    text = (await client.get(URL)).text\ntext"
    ),
}


def with_names(code: str, site: Site, path: str = "/") -> str:
    return f"URL, HOST = '{site.url}{path}', '127.0.0.1:{site.port}'\n{code}"


@pytest.mark.parametrize("code", GET.values(), ids=GET)
def test_a_page_is_read_by(granted: SharedWorker, site: Site, code: str) -> None:
    assert result(granted.run(with_names(code, site))) == "'grüße'"


POST = {
    "urllib": (
        "import json, urllib.request\n"
        "request = urllib.request.Request(URL, data=BODY, headers={'X-Mine': 'a b'})\n"
        "said = json.load(urllib.request.urlopen(request))\n"
    ),
    "http.client, in chunks": (
        "import http.client, json\nconnection = http.client.HTTPConnection(HOST)\n"
        "parts = [BODY[:1000], BODY[1000:]]\n"
        "connection.request('POST', '/echo', iter(parts), {'X-Mine': 'a b'})\n"
        "said = json.load(connection.getresponse())\n"
    ),
    "pyfetch": (
        "from pyodide.http import pyfetch\nfrom pyodide.ffi import to_js\n"
        "answer = await pyfetch(\n"
        "    URL, method='POST', body=to_js(BODY), headers={'X-Mine': 'a b'})\n"
        "said = await answer.json()\n"
    ),
    "requests": (
        "import requests\n"
        "said = requests.post(URL, data=BODY, headers={'X-Mine': 'a b'}).json()\n"
    ),
    "httpx": (
        "import httpx\n"
        "said = httpx.post(URL, content=BODY, headers={'X-Mine': 'a b'}).json()\n"
    ),
}


@pytest.mark.parametrize("code", POST.values(), ids=POST)
def test_a_large_body_is_sent_by(granted: SharedWorker, site: Site, code: str) -> None:
    code = f"BODY = b'y' * 3_000_000\n{code}\nsaid['method'], said['size']"
    assert result(granted.run(with_names(code, site, "/echo"))) == "('POST', 3000000)"
    assert site.requests[-1][2]["x-mine"] == "a b"
    assert site.requests[-1][2]["host"] == f"127.0.0.1:{site.port}"


def test_what_an_answer_says_of_itself(granted: SharedWorker, site: Site) -> None:
    code = """
from pyodide.http import pyfetch
answer = await pyfetch(URL)
copied = answer.clone().url == URL
answer.status, answer.status_text, answer.url == URL, answer.redirected, copied
"""
    ran = granted.run(with_names(code, site, "/status?code=404"))
    assert result(ran) == "(404, 'Not Found', True, False, True)"


def test_an_error_of_the_server_is_one_of_urllib(
    granted: SharedWorker, site: Site
) -> None:
    code = "import urllib.request\nurllib.request.urlopen(URL)"
    ran = granted.run(with_names(code, site, "/status?code=404"))
    assert ran.status == "HTTPError"


@pytest.mark.parametrize("code", [GET["urllib"], GET["js.fetch"], GET["requests"]])
def test_a_redirection_is_followed(
    granted: SharedWorker, site: Site, code: str
) -> None:
    asked = len(site.requests)
    assert result(granted.run(with_names(code, site, "/redirect?to=/"))) == "'grüße'"
    assert site.paths()[asked:] == ["/redirect?to=/", "/"]


def test_a_compressed_page_is_unpacked(granted: SharedWorker, site: Site) -> None:
    code = "import js\nlen(await (await js.fetch(URL)).text())"
    assert result(granted.run(with_names(code, site, "/zipped"))) == "100000"
    code = "import requests\nlen(requests.get(URL).content)"
    assert result(granted.run(with_names(code, site, "/zipped"))) == "100000"


def test_a_page_in_chunks_is_put_together(granted: SharedWorker, site: Site) -> None:
    for code in (GET["urllib"], GET["js.fetch"], GET["open_url"]):
        assert result(granted.run(with_names(code, site, "/chunks"))) == "'onetwo'"


def test_a_large_page_comes_whole(granted: SharedWorker, site: Site) -> None:
    path = "/large?bytes=20000000"
    code = "import urllib.request\nlen(urllib.request.urlopen(URL).read())"
    assert result(granted.run(with_names(code, site, path))) == "20000000"
    code = "from pyodide.http import pyfetch\nlen(await (await pyfetch(URL)).bytes())"
    assert result(granted.run(with_names(code, site, path))) == "20000000"


def test_requests_that_are_gathered_are_under_way_together(
    granted: SharedWorker, site: Site
) -> None:
    code = """
import asyncio
from pyodide.http import pyfetch
async def read():
    return await (await pyfetch(URL)).string()
await asyncio.gather(*(read() for _ in range(4)))
"""
    ran = granted.run(with_names(code, site, "/together"))
    assert result(ran) == "['here', 'here', 'here', 'here']"


def test_many_answers_that_nobody_reads_are_closed(
    granted: SharedWorker, site: Site
) -> None:
    code = """
import js
for number in range(260):
    answer = await js.fetch(URL)
    answer.body.cancel()
answer.status
"""
    assert result(granted.run(with_names(code, site, "/large?bytes=500000"))) == "200"


def test_a_timeout_of_the_caller_ends_the_request(
    granted: SharedWorker, site: Site
) -> None:
    for code, error in {
        "import urllib.request\nurllib.request.urlopen(URL, timeout=0.3)": "URLError",
        "import requests\nrequests.get(URL, timeout=0.3)": "ConnectionError",
        "import js\nawait js.fetch(URL, signal=js.AbortSignal.timeout(300))": (
            "JsException"
        ),
    }.items():
        ran = granted.run(with_names(code, site, "/never"))
        assert ran.status == error


EVERYWHERE = [
    "http://127.0.0.1:$port/",
    "http://localhost:$port/",
    "http://LOCALHOST.:$port/",
    "http://[::1]:$port/",
    "http://[::ffff:127.0.0.1]:$port/",
    "http://[::ffff:7f00:1]:$port/",
    "http://[::127.0.0.1]:$port/",
    "http://[64:ff9b::7f00:1]:$port/",
    "http://0.0.0.0:$port/",
    "http://0:$port/",
    "http://[::]:$port/",
    "http://127.1:$port/",
    "http://127.0.0.2:$port/",
    "http://2130706433:$port/",
    "http://0x7f000001:$port/",
    "http://0x7f.1:$port/",
    "http://0177.0.0.1:$port/",
    "http://a:b@127.0.0.1:$port/",
    "http://\u2461\u2460:$port/",
]


@pytest.mark.parametrize("url", EVERYWHERE)
def test_everything_granted_does_not_reach_this_machine(
    granted: SharedWorker, other_site: Site, url: str
) -> None:
    url = url.replace("$port", str(other_site.port))
    for code in (GET["urllib"], GET["js.fetch"], GET["open_url"]):
        ran = granted.run(f"URL = {url!r}\n{code}")
        assert ran.status != "ok"
    assert other_site.requests == []


REFUSED = {name: code for name, code in GET.items() if "URL" in code}


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_without_a_grant_the_error_names_the_flag(
    sandbox: SharedWorker, other_site: Site, code: str
) -> None:
    ran = sandbox.run(f"URL = 'https://www.example.com/'\n{code}")
    [error] = ran.of_type(Error)
    assert "run again with --allow-net www.example.com" in error.evalue
    ran = sandbox.run(with_names(code, other_site))
    [error] = ran.of_type(Error)
    assert f"--allow-net 127.0.0.1:{other_site.port}" in error.evalue
    assert other_site.requests == []


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('example.com', 80))",
        "import socket; socket.getaddrinfo('example.com', 80)",
        "import socket; socket.gethostbyname('example.com')",
        "import smtplib; smtplib.SMTP('example.com')",
        "import asyncio; await asyncio.open_connection('example.com', 80)",
    ],
)
def test_sockets_say_that_they_are_not_there(sandbox: SharedWorker, code: str) -> None:
    [error] = sandbox.run(code).of_type(Error)
    assert "there are no sockets in the sandbox, only HTTP requests" in error.evalue
    assert "--allow-net example.com" in error.evalue


def test_websockets_are_not_there_whatever_is_granted(
    granted: SharedWorker, site: Site
) -> None:
    code = f"import js; js.WebSocket.new('ws://127.0.0.1:{site.port}/')"
    [error] = granted.run(code).of_type(Error)
    assert "there are no WebSockets in the sandbox" in error.evalue


def test_the_process_has_no_right_to_connect_whatever_is_granted(
    granted: SharedWorker, site: Site
) -> None:
    asked = len(site.requests)
    code = f"import js; await js.Deno.connect(port={site.port})"
    [error] = granted.run(code).of_type(Error)
    assert "Requires net access" in error.evalue
    assert len(site.requests) == asked


def test_a_restart_keeps_the_grant(granted: SharedWorker, site: Site) -> None:
    granted.call(granted.worker.restart)
    assert result(granted.run(with_names(GET["urllib"], site))) == "'grüße'"
