"""The network is closed in tests and in the kernels they start, and open to this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from scripts.notebook_format import canonical
from scripts.run_notebooks import execute

OTHERS = ["192.0.2.1", "2001:db8::1", "example.invalid", b"example.invalid", "0.0.0.1"]


def refused(event: str, *arguments) -> bool:
    """Whether the guard refuses the audit event; nothing is sent, as no socket exists."""
    try:
        sys.audit(event, *arguments)
    except OSError as error:
        return "without a network" in str(error)
    return False


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_are_refused(host):
    assert refused("socket.connect", None, (host, 443))
    assert refused("socket.sendto", None, (host, 53))
    assert refused("socket.getaddrinfo", host, 443, 0, 0, 0)
    assert refused("socket.gethostbyname", host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost", "", None, b"localhost", "0.0.0.0"])
def test_this_machine_is_open(host):
    assert not refused("socket.connect", None, (host, 443))
    assert not refused("socket.getaddrinfo", host, 443, 0, 0, 0)


def test_a_file_socket_is_open():
    assert not refused("socket.connect", None, "/run/some.socket")


def test_a_loopback_connection_works():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_a_child_process_is_closed_too():
    code = "import socket; socket.getaddrinfo('example.invalid', 443)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode and "without a network" in done.stderr


def test_a_notebooks_kernel_is_closed_too(tmp_path):
    ask = "socket.getaddrinfo('example.invalid', 443)"
    source = f"import socket\ntry:\n    {ask}\nexcept OSError as error:\n    print(error)"
    path = tmp_path / "1_lora.ipynb"
    path.write_text(canonical(new_notebook(cells=[new_code_cell(source, id="ask")])))
    assert "without a network" in execute(path).cells[0].outputs[0].text


def test_the_machines_own_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('mine')")
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    variables = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", ""], capture_output=True, text=True, env=variables)
    assert done.stdout.split() == ["mine"], done.stderr
