"""``%pip install``: from requirements to pins, by the rules of Python's packaging.

`resolvelib` searches, `packaging` judges names, versions, markers and tags. Imported
late by its callers: a session that installs nothing does not pay for it.
"""

from ._candidates import Origin, wheel_candidate
from ._environment import PYTHON_VERSION, SandboxEnvironment, check_python
from ._finder import Present
from ._installer import Installer, Plan, PlannedPackage
from ._metadata import metadata_of_wheel
from ._request import InstallRequest, LocalWheel, parse_requirement
from ._requirements_file import (
    RequirementsFile,
    parse_requirements_file,
    request_of_lines,
)

__all__ = [
    "PYTHON_VERSION",
    "InstallRequest",
    "Installer",
    "LocalWheel",
    "Origin",
    "Plan",
    "PlannedPackage",
    "Present",
    "RequirementsFile",
    "SandboxEnvironment",
    "check_python",
    "metadata_of_wheel",
    "parse_requirement",
    "parse_requirements_file",
    "request_of_lines",
    "wheel_candidate",
]
