"""Serving: one process, on this machine only unless there is a key."""

from __future__ import annotations

import logging
import socket

import uvicorn
from pydantic import SecretStr

from api.app import create_app
from api.security import is_loopback
from habitue.engine import Engine
from habitue.errors import HabitueError, UsageError

log = logging.getLogger("habitue.api")

#: Standard error, one line a request; names routes, never paths, which hold customers' ids.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "habitue": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def serve(engine: Engine, host: str, port: int, api_key: SecretStr | None) -> None:
    """Serve the API until it is told to stop.

    Args:
        engine: Answers everything; stays the caller's to close.
        host: Address or name to listen on.
        port: 0 takes a free one.
        api_key: Needed beyond loopback.

    Raises:
        UsageError: If the host is not loopback and there is no key.
        HabitueError: If the address cannot be listened on.
    """
    app = create_app(engine, api_key=api_key, local=is_loopback(host))
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=["127.0.0.1", "::1"],  # a proxy on this machine says who its client is; nobody else may
    )
    name = f"[{host.strip('[]')}]" if ":" in host else host
    with listening:
        bound = listening.getsockname()[1]
        log.info("Habitué answers on http://%s:%d/ (its documentation: /docs; Ctrl+C ends it)", name, bound)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is no port.", hint="Ports are 1 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, or asyncio leaves its connections with Nagle's algorithm, and each answer 40 ms late.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _not_listening(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise _not_listening(host, port, error) from error
    return listening


def _not_listening(host: str, port: int, error: OSError) -> HabitueError:
    return HabitueError(
        f"Nothing can listen on {host}:{port}: {error.strerror}.", hint="Choose another --host or --port."
    )
