"""Marks for what is true of one server, or of one version of LiveStore, alone."""

from typing import Final

import pytest

OUR_SERVER: Final = pytest.mark.parametrize("sync_url", ["runt-sync"], indirect=True)
THEIR_SERVER: Final = pytest.mark.parametrize("sync_url", ["sync-cf"], indirect=True)
OLD_ONLY: Final = pytest.mark.parametrize("installation", ["0.3"], indirect=True)
NEW_ONLY: Final = pytest.mark.parametrize("installation", ["0.4"], indirect=True)
