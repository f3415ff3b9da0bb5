import os
from pathlib import Path

import pytest

from runt_worker._packages._pip_config import PipConfig, read_pip_config


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_nothing_configured_means_the_default_index() -> None:
    assert read_pip_config({}, []) == PipConfig(index_urls=(None,))


def test_a_file_is_read(tmp_path: Path) -> None:
    file = write(
        tmp_path / "pip.conf",
        "[global]\nindex-url = https://mirror.example/simple\n"
        "cert = /etc/certs.pem\nproxy = http://proxy.example:3128\n"
        "[list]\nformat = columns\n",
    )
    assert read_pip_config({}, [file]) == PipConfig(
        index_urls=("https://mirror.example/simple",),
        cert="/etc/certs.pem",
        proxy="http://proxy.example:3128",
    )


def test_later_files_then_the_environment_win(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a", "[global]\nindex-url = https://a/\ncert = a\n"),
        write(tmp_path / "b", "[global]\nindex-url = https://b/\n"),
    ]
    assert read_pip_config({}, files).index_urls == ("https://b/",)
    config = read_pip_config({"PIP_INDEX_URL": "https://c/"}, files)
    assert config == PipConfig(index_urls=("https://c/",), cert="a")


def test_a_commands_own_section_beats_the_global_one(tmp_path: Path) -> None:
    text = "[install]\nindex-url = https://b/\n[global]\nindex-url = https://a/\n"
    config = read_pip_config({}, [write(tmp_path / "pip.conf", text)])
    assert config.index_urls == ("https://b/",)


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "pip.conf", "[global]\nindex-url = https://a/\n")
    config = read_pip_config({"PIP_INDEX_URL": ""}, [file])
    assert config.index_urls == ("https://a/",)


def test_extra_indexes_come_after_the_default_one() -> None:
    environ = {"PIP_EXTRA_INDEX_URL": "https://a/ file:///srv/simple\nhttps://b/"}
    assert read_pip_config(environ, []).index_urls == (None, "https://a/", "https://b/")


def test_an_index_on_disk_is_no_reason_to_ask_the_default_one() -> None:
    assert read_pip_config({"PIP_INDEX_URL": "file:///srv/simple"}, []) == PipConfig(
        index_urls=()
    )


@pytest.mark.parametrize(
    ("value", "means"), [("1", True), ("Yes", True), ("0", False), ("false", False)]
)
def test_no_index(value: str, *, means: bool) -> None:
    assert read_pip_config({"PIP_NO_INDEX": value}, []).no_index is means


@pytest.mark.parametrize("text", ["no section = 1", "[global\n", "\udcff"])
def test_a_broken_file_is_passed_over(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "pip.conf"
    broken.write_bytes(text.encode("utf-8", "surrogateescape"))
    missing = tmp_path / "missing"
    assert read_pip_config({}, [broken, missing, tmp_path]) == PipConfig()


def test_a_percent_sign_is_a_percent_sign(tmp_path: Path) -> None:
    file = write(tmp_path / "pip.conf", "[global]\nindex-url = https://u:a%40b@c/\n")
    assert read_pip_config({}, [file]).index_urls == ("https://u:a%40b@c/",)


def test_the_users_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = write(tmp_path / "my.conf", "[global]\nindex-url = https://mine/\n")
    config = read_pip_config({"PIP_CONFIG_FILE": str(named)})
    assert config.index_urls[0] == "https://mine/"

    # The null device is pip's way to say: no files at all.
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pip").mkdir()
    write(tmp_path / ".pip" / "pip.conf", "[global]\nindex-url = https://home/\n")
    assert read_pip_config({"PIP_CONFIG_FILE": os.devnull}) == PipConfig()
