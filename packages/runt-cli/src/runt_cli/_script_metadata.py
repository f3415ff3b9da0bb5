"""What a script says that it needs, in the comment block that other tools read, too.

Source: the packaging specification «Inline script metadata» (PEP 723), whose regular
expression and key names these are.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final, cast

from runt_cli._errors import NotebookFileError

_BLOCK: Final = re.compile(
    r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
)


@dataclass(frozen=True, kw_only=True)
class ScriptMetadata:
    """What a script needs.

    Attributes:
        dependencies: Requirements, as in ``pip install``.
        requires_python: Versions of Python that it takes; "" is any.
    """

    dependencies: tuple[str, ...] = ()
    requires_python: str = ""


def script_metadata(source: str) -> ScriptMetadata:
    """Read the metadata of a script, or of the cells of a notebook put together.

    Args:
        source: Its text.

    Raises:
        NotebookFileError: There are several blocks, or the one makes no sense.
    """
    found = [it for it in _BLOCK.finditer(source) if it["type"] == "script"]
    if not found:
        return ScriptMetadata()
    if len(found) > 1:
        raise NotebookFileError("There are several blocks `# /// script`; keep one.")
    lines = found[0]["content"].splitlines()
    text = "\n".join(it[2:] if it.startswith("# ") else it[1:] for it in lines)
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotebookFileError(
            f"The block `# /// script` is not TOML: {error}"
        ) from None
    dependencies = content.get("dependencies", [])
    requires_python = content.get("requires-python", "")
    if not (isinstance(requires_python, str) and _is_texts(dependencies)):
        raise NotebookFileError(
            "In the block `# /// script`, dependencies is a list of texts and "
            "requires-python is a text."
        )
    return ScriptMetadata(
        dependencies=tuple(dependencies), requires_python=requires_python
    )


def _is_texts(value: object) -> bool:
    if not isinstance(value, list):
        return False
    return all(isinstance(it, str) for it in cast("list[object]", value))
