"""A short soak, always of the same chance; `hatch run soak` takes minutes."""

import re
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).with_name("soak.py")
SECONDS = 25
DEADLINE_S = 400.0


def test_nothing_is_lost_whatever_happens_to_agents_and_sandboxes() -> None:
    done = subprocess.run(
        [sys.executable, SOAK, "--seconds", str(SECONDS), "--seed", "5"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for deed in ("sandboxes killed", "agents killed", "cells requested"):
        assert re.search(rf"^{deed}: [1-9]", done.stdout, re.MULTILINE), done.stdout
