"""Closes the network to every Python that starts with this folder on PYTHONPATH, the notebooks' kernels too.

Only this machine's own addresses stay open. A refused call raises OSError, as it would on a laptop without a network.
"""

import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname")


class Offline(OSError):
    """A test asked for a host other than this machine."""


def is_here(host):
    """Whether `host`, as text or bytes, is this machine: a loopback address, its own name, or none at all."""
    host = host.decode() if isinstance(host, bytes) else host
    if not host or host in ("localhost", "<broadcast>", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_others(event, arguments):
    """Raise Offline for an audit event that reaches for another host; everything else passes."""
    if event in EVENTS:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path: a socket in the file system
    elif event in LOOKUPS:
        host = arguments[0]
    else:
        return
    if not is_here(host):
        raise Offline(f"the tests run without a network, and this asked for {host!r} ({event})")


def pass_on():
    """Run the sitecustomize module that this one hides, where the machine has one."""
    others = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


sys.addaudithook(refuse_others)
pass_on()
