"""The network, for user code: HTTP by grant, made by the supervisor.

The sandbox process has no right to connect to anything, granted or not. Its calls say
what shall be requested; here is decided whether it may be, and to which address.
"""

from ._calls import NetworkCalls
from ._grants import NetworkGrant, NetworkGrants

__all__ = ["NetworkCalls", "NetworkGrant", "NetworkGrants"]
