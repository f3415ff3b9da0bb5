import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from runt_vfs import OutputMirror

PATH = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a"])
STEP = st.one_of(
    st.tuples(
        st.just("write"), PATH, st.sampled_from([b"", b"one", b"two", b"x" * 99])
    ),
    st.tuples(st.just("delete"), PATH, st.just(b"")),
    st.tuples(st.just("link"), PATH, st.sampled_from([b"a", b"e", b"none"])),
    st.tuples(st.just("sync"), st.just(""), st.just(b"")),
    st.tuples(st.just("restart"), st.just(""), st.just(b"")),
)


def state_of(path: Path) -> object:
    return path.readlink() if path.is_symlink() else path.read_bytes()


def files_below(root: Path) -> dict[str, object]:
    return {
        str(path.relative_to(root)): state_of(path)
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@settings(deadline=None, max_examples=50)
@given(st.lists(STEP, max_size=12))
def test_the_output_has_the_last_state_of_every_file_that_was_seen(
    steps: list[tuple[str, str, bytes]],
) -> None:
    place = Path(tempfile.mkdtemp())
    staging, output = place / "staging", place / "output"
    (staging / "d" / "e").mkdir(parents=True)
    output.mkdir()
    mirror = OutputMirror(staging, output)
    seen: dict[str, object] = {}
    for kind, name, content in [*steps, ("sync", "", b"")]:
        path = staging / name
        if kind in ("write", "delete", "link"):
            path.unlink(missing_ok=True)
        if kind == "write":
            path.write_bytes(content)
        elif kind == "link":
            path.symlink_to(content.decode())
        elif kind == "restart":
            mirror = OutputMirror(staging, output)
        elif kind == "sync":
            before = files_below(output)
            copied = mirror.sync()
            seen |= files_below(staging)
            assert files_below(output) == seen
            assert {name for name in seen if before.get(name) != seen[name]} <= set(
                copied
            )
            assert mirror.sync() == ()
    shutil.rmtree(place)
