"""A connection to a Neo4j server: made when first used, its errors in Habitué's words, never a statement in them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import neo4j
from neo4j import exceptions

from habitue.errors import StoreError

#: Variables handed to a subquery, `CALL (x) { … }`, came with 5.23.
MINIMUM_VERSION = (5, 23)
RECOMMENDED_VERSION = (5, 26)

Result = TypeVar("Result")


class Neo4jConnection:
    """Sessions to one database of one server. Safe to use from several threads.

    Args:
        url: Such as `neo4j://host:7687`.
        user: Empty for a server without authentication.
        password: Of the user.
        database: Name of the database.
    """

    def __init__(self, url: str, *, user: str, password: str, database: str) -> None:
        self.url = url
        self.database = database
        self._auth = (user, password) if user else None
        self._driver: neo4j.Driver | None = None
        self._opening = threading.Lock()
        self._version: tuple[int, ...] = ()

    @property
    def address(self) -> str:
        """The address without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def version(self) -> tuple[int, ...]:
        """The server's version, such as (5, 26, 0); connects when there is no connection yet."""
        self.driver()
        return self._version

    def close(self) -> None:
        """Close all connections; the next use opens them again."""
        with self._opening:
            if self._driver is not None:
                self._driver.close()
                self._driver = None

    def driver(self) -> neo4j.Driver:
        """The driver, connected and its server's version checked.

        Raises:
            StoreError: If the server does not answer, refuses the credentials, lacks the database or is too old.
        """
        with self._opening:
            if self._driver is None:
                with self.translated_errors("to connect"):
                    driver = neo4j.GraphDatabase.driver(
                        self.url,
                        auth=self._auth,
                        notifications_min_severity="OFF",
                        telemetry_disabled=True,
                        connection_timeout=10.0,
                        max_transaction_retry_time=30.0,
                    )
                    try:
                        self._version = _supported(driver.get_server_info().agent, self.address)
                    except BaseException:
                        driver.close()
                        raise
                    self._driver = driver
            return self._driver

    @contextmanager
    def session(self, *, write: bool = False, fetch_size: int = 1000) -> Iterator[neo4j.Session]:
        """A session, for reading unless asked otherwise; errors inside come out as `StoreError`."""
        access = neo4j.WRITE_ACCESS if write else neo4j.READ_ACCESS
        driver = self.driver()
        with (
            self.translated_errors("a change" if write else "a statement"),
            driver.session(database=self.database, default_access_mode=access, fetch_size=fetch_size) as session,
        ):
            yield session

    def read(self, text: str, parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], list[neo4j.Record]]:
        """Run one of our own reading statements; tried again when the server asks for it.

        A transaction of its own costs a second way to the server and back, so that it is only begun for trying again.
        """
        driver = self.driver()
        with self.translated_errors("a statement"):
            try:
                with driver.session(
                    database=self.database, default_access_mode=neo4j.READ_ACCESS, fetch_size=-1
                ) as session:
                    result = session.run(text, dict(parameters))
                    return tuple(result.keys()), list(result)
            except (exceptions.DriverError, exceptions.Neo4jError) as error:
                if not error.is_retryable():
                    raise
            answer = driver.execute_query(
                text, dict(parameters), database_=self.database, routing_=neo4j.RoutingControl.READ
            )
        return tuple(answer.keys), answer.records

    def write(self, work: Callable[[neo4j.ManagedTransaction], Result]) -> Result:
        """Run a function in a writing transaction; tried again when it met another one's lock."""
        with self.session(write=True) as session:
            return session.execute_write(work)

    @contextmanager
    def translated_errors(self, what: str) -> Iterator[None]:
        """Turn the driver's errors into `StoreError`. Their own messages may hold ids or statements: they stay out."""
        try:
            yield
        except (exceptions.AuthError, exceptions.TokenExpired) as error:
            raise StoreError(
                f"The Neo4j server at {self.address} refuses the user name or the password.",
                hint="Set HABITUE_NEO4J_USER and HABITUE_NEO4J_PASSWORD.",
            ) from error
        except exceptions.ConfigurationError as error:
            raise StoreError(
                f"{self.address} cannot be used as the address of a Neo4j server.",
                hint="Use neo4j://host:7687, bolt://host:7687 or neo4j+s://host:7687.",
            ) from error
        except exceptions.Neo4jError as error:
            raise StoreError(
                f"The Neo4j server at {self.address} refused {what} ({error.code}).", hint=_hint(error.code or "")
            ) from error
        except (exceptions.DriverError, OSError) as error:
            raise StoreError(
                f"The Neo4j server at {self.address} does not answer ({type(error).__name__}).",
                hint="Start it, or correct HABITUE_STORE; nothing that was acknowledged is lost.",
            ) from error


def _supported(agent: str, address: str) -> tuple[int, ...]:
    """The version in a server's agent string, such as `Neo4j/5.26.0` or `Neo4j/2025.01.0`."""
    version = tuple(int(part) for part in re.findall(r"\d+", agent.partition("/")[2])[:3])
    if version < MINIMUM_VERSION:
        raise StoreError(
            f"The server at {address} is {agent or 'of an unknown kind'}; Habitué needs Neo4j 5.23 or newer.",
            hint="Use Neo4j 5.26, the long-term support line.",
        )
    return version


def _hint(code: str) -> str:
    if "MemoryPool" in code or "OutOfMemory" in code or "MemoryLimit" in code:
        return "Give the server more heap (server.memory.heap.max_size)."
    if "DatabaseNotFound" in code:
        return "Set HABITUE_NEO4J_DATABASE to a database that exists."
    if "Security" in code:
        return "The user lacks the right to do this."
    return ""
