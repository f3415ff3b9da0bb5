"""The one token of a server: kept on disk, compared in constant time, never shown."""

import hmac
import os
import secrets
import stat
from pathlib import Path

from ._errors import TokenFileError

_TOKEN_BYTES = 32
_MAX_FILE_BYTES = 4096


class Token:
    """A token that can be compared; its text stays out of reprs, logs and errors.

    Args:
        text: The token as clients send it.

    Raises:
        ValueError: The text is empty, or holds spaces or control characters, which
            no HTTP header carries through unharmed.
    """

    def __init__(self, text: str) -> None:
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("a token is printable ASCII without spaces, not empty")
        self._text = text

    def reveal(self) -> str:
        """Return the text, for whoever has to hand it to a client."""
        return self._text

    def matches(self, candidate: str) -> bool:
        """Tell whether a candidate is this token, in time that does not depend on it.

        Args:
            candidate: What a peer sent: any text, lone surrogates included.
        """
        return hmac.compare_digest(
            candidate.encode("utf-8", "surrogatepass"), self._text.encode()
        )

    def __repr__(self) -> str:
        return "<Token>"


def load_or_create_token(token_file: Path) -> Token:
    """Return the token of a data directory; the first call generates it.

    Only the holder of the data directory may call this (`hold_data_dir`).

    Args:
        token_file: Where it is kept, readable by its owner only (0600).

    Raises:
        TokenFileError: Others can read the file, it holds no token, or it cannot be
            read or written.
    """
    try:
        return _read(token_file)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise TokenFileError(token_file, f"unreadable: {error.strerror}") from None
    token = Token(secrets.token_urlsafe(_TOKEN_BYTES))
    try:
        _write(token_file, token)
    except OSError as error:
        raise TokenFileError(token_file, f"unwritable: {error.strerror}") from None
    return token


def _read(token_file: Path) -> Token:
    # O_NOFOLLOW: a link here would let whoever placed it choose the token.
    fd = os.open(token_file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor has no Path
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o077:
            raise TokenFileError(
                token_file,
                f"others may have read this token (mode {mode:04o}): "
                "remove the file for a new one, or make it 0600",
            )
        content = file.read(_MAX_FILE_BYTES)
    try:
        return Token(content.decode("ascii").strip())
    except ValueError:
        raise TokenFileError(
            token_file, "holds no token: remove the file for a new one"
        ) from None


def _write(token_file: Path, token: Token) -> None:
    # Written beside and renamed: a crash between creating and writing would otherwise
    # leave an empty file, and so a server that never starts again.
    fresh = token_file.with_name(f"{token_file.name}.new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="ascii") as file:  # noqa: PTH123 - as above
        file.write(f"{token.reveal()}\n")
        file.flush()
        os.fsync(fd)
    fresh.rename(token_file)
