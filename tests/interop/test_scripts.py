"""Our scripts for LiveStore are as typed as LiveStore is."""

import subprocess
from typing import Final

from livestore_rig import Installation

TIMEOUT_S: Final = 120


def test_the_types_of_the_scripts_are_right(installation: Installation) -> None:
    checked = subprocess.run(
        installation.check_command(),
        env=installation.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
