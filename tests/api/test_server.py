"""The server process: where it listens, what it logs, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.server import _listen, serve
from habitue.engine import Engine
from habitue.errors import HabitueError, UsageError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_beyond_loopback_a_key_is_needed(engine: Engine, host: str, key: SecretStr | None) -> None:
    with pytest.raises(UsageError, match="HABITUE_API_KEY"):
        serve(engine, host, 0, key)


def test_a_port_that_is_taken_is_one_clear_error(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HabitueError, match=f"127.0.0.1:{port}") as caught:
            serve(engine, "127.0.0.1", port, None)
    assert "--port" in caught.value.hint


def test_answers_are_not_held_back_by_the_network_stack() -> None:
    """Asyncio turns Nagle's algorithm off only for sockets that say they are TCP."""
    with _listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_port(engine: Engine, port: int) -> None:
    with pytest.raises(UsageError, match=str(port)):
        serve(engine, "127.0.0.1", port, None)


def test_a_server_answers_keeps_ids_out_of_its_log_and_ends_when_told(workspace: Path) -> None:
    program = (
        "import sys; from api.server import serve; from habitue.engine import Engine\n"
        "with Engine.open(sys.argv[1], read_only=True) as engine: serve(engine, '127.0.0.1', 0, None)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(workspace)], stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stderr is not None
        lines = []
        try:
            lines.append(child.stderr.readline())
            found = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
            assert found is not None, lines
            base = found.group()
            with urllib.request.urlopen(f"{base}/v1/customers/a%2Fb/churn-risk", timeout=30) as answer:
                assert json.load(answer)["id"] == "a/b"
                assert "server" not in answer.headers
            forwarded = urllib.request.Request(f"{base}/v1/model", headers={"X-Forwarded-For": "203.0.113.7"})
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(forwarded, timeout=30)
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{base}/v1/customers/C0042/nothing", timeout=30)
        finally:
            child.send_signal(signal.SIGINT)
            lines += child.stderr.readlines()
        assert child.wait(timeout=30) in (0, -signal.SIGINT)
    log = "".join(lines)
    assert "/v1/customers/{customer_id}/churn-risk 200" in log
    assert "a%2Fb" not in log
    assert "a/b" not in log
    assert "C0042" not in log
