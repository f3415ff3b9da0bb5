"""Makes memory images: once for each installation, by one process at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import trio

from runt_worker._command import Image
from runt_worker._errors import GuestProtocolError, SetupError, WorkerDiedError
from runt_worker._files import open_files
from runt_worker._frames import Frame, FrameDecoder
from runt_worker._image import forget_unused, image_place, is_whole, write_record
from runt_worker._kernel import open_kernel
from runt_worker._launch import launch
from runt_worker._limits import Limits
from runt_worker._options import Assets
from runt_worker._outputs import Content
from runt_worker._process import open_process
from runt_worker._replies import ExecuteReply, Fatal
from runt_worker._requests import ExecuteRequest, MakeImage, encode_request

_MAX_IMAGE_BYTES = 512 * 1024 * 1024
"""It has some 40 MB; what is much larger is no image of ours."""

_REHEARSED = "1 + 1"


class _ImageMade(Content, frozen=True, kw_only=True, tag="image"):
    """The image is the frame's tail."""


class _Received(msgspec.Struct, frozen=True, kw_only=True):
    content: _ImageMade | Fatal


def ensure_image(cache_dir: Path, assets: Assets, limits: Limits) -> Image:
    """Return the image of an installation, and make it if it is not there. Blocks.

    Args:
        cache_dir: runt's cache.
        assets: what the image is made of.
        limits: for the processes that make it.

    Raises:
        SetupError: it cannot be made; workers can start without one.
    """
    image = image_place(cache_dir, assets.installation)
    if is_whole(image):
        return image
    try:
        images = image.directory.parent
        images.mkdir(parents=True, exist_ok=True)
        with _alone(images / "lock"):
            if not is_whole(image):  # another process may have made it meanwhile
                forget_unused(images)
                _make_in(images, image, assets, limits)
    except OSError as error:
        raise SetupError(f"the memory image cannot be made: {error}") from error
    except WorkerDiedError as error:
        raise SetupError(f"the memory image cannot be made: {error.reason}") from error
    return image


def _make_in(images: Path, image: Image, assets: Assets, limits: Limits) -> None:
    with tempfile.TemporaryDirectory(
        dir=images, prefix="new-", ignore_cleanup_errors=True
    ) as directory:
        made = Image(directory=Path(directory) / "image")
        made.deno_directory.mkdir(parents=True)
        _write(made.memory, trio.run(_receive_image, assets, limits))
        write_record(made)
        _rehearse(made, assets, limits)
        # What stood there is damaged, or of no use to anybody.
        if image.directory.exists():
            image.directory.rename(Path(directory) / "old")
        made.directory.rename(image.directory)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


async def _receive_image(assets: Assets, limits: Limits) -> bytes:
    fresh = replace(assets.installation, image=None)
    packages = [str(path) for path in assets.kernel_packages]
    decoder = FrameDecoder(_MAX_IMAGE_BYTES)
    with trio.move_on_after(limits.start_timeout_s):
        async with open_process(fresh, limits) as process:
            await process.send(encode_request(0, MakeImage(packages=packages)))
            while True:
                for frame in decoder.receive_data(await process.receive_some()):
                    return _image_in(frame)
    raise WorkerDiedError(f"it was not there within {limits.start_timeout_s:.0f} s")


def _image_in(frame: Frame) -> bytes:
    try:
        content = msgspec.json.decode(frame.head, type=_Received).content
    except msgspec.DecodeError as error:
        raise GuestProtocolError(f"no image was sent, but: {error}") from None
    if isinstance(content, Fatal):
        raise WorkerDiedError(content.reason)
    return frame.tail


def _rehearse(made: Image, assets: Assets, limits: Limits) -> None:
    """Start from the image once: it must work, and Deno keeps our code compiled."""
    assets = replace(assets, installation=replace(assets.installation, image=made))
    with launch(assets.installation) as launched:

        async def run_cell() -> None:
            with open_files((), None) as files:
                async with open_kernel(assets, files, limits, launched) as kernel:
                    if not kernel.is_restored:
                        raise WorkerDiedError("it does not restore")
                    request = ExecuteRequest(code=_REHEARSED)
                    pending = await kernel.submit(request, ExecuteReply)
                    await pending.wait()

        trio.run(run_cell)
        shutil.copytree(
            launched.paths.deno_directory,
            made.deno_directory,
            # A link to Deno, as `node`; each process makes one.
            ignore=shutil.ignore_patterns("node_compat_bin"),
            dirs_exist_ok=True,
        )


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Wait for other processes that make an image; theirs may be the one we need."""
    with lock.open("w") as file:
        # The system frees it with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
