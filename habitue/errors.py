"""Every error a user can meet, from one root.

An error says what was wrong, where, what was expected and what to do. At the edges it becomes one line on standard
error (command line) or one `application/problem+json` document (API); never a stack trace, never personal data.
"""

from __future__ import annotations


class HabitueError(Exception):
    """Root of all errors that Habitué raises on purpose.

    Args:
        message: What was wrong and where, in one sentence.
        hint: What to do about it, in one sentence; empty when nothing can be done.
    """

    #: HTTP status at the API's edge.
    status: int = 500
    #: Exit status at the command line's edge: 1 failed, 2 wrong usage.
    exit_code: int = 1
    #: Short name in the problem document's `type`.
    slug: str = "internal"
    #: Title of the problem document, the same for every occurrence.
    title: str = "Something went wrong"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(HabitueError):
    """The call itself is wrong: an unknown option, a value out of range."""

    status = 422
    exit_code = 2
    slug = "invalid-parameter"
    title = "A parameter is not valid"


class DatasetError(HabitueError):
    """A data set's description or its tables cannot be read: missing file or column, unknown name."""

    status = 422
    exit_code = 2
    slug = "invalid-dataset"
    title = "The data set cannot be read"


class StoreError(HabitueError):
    """The graph store refuses, is unreachable, or holds something else than expected."""

    status = 503
    slug = "store-unavailable"
    title = "The graph store cannot answer"


class LockedError(HabitueError):
    """Another process is writing to the same workspace."""

    status = 409
    slug = "locked"
    title = "Another process is writing"


class CutoffError(HabitueError):
    """A date lies outside what the data can answer for: leakage is refused, not warned about."""

    status = 422
    exit_code = 2
    slug = "invalid-cutoff"
    title = "The cutoff cannot be used"


class NothingLoadedError(HabitueError):
    """There is no graph yet."""

    status = 409
    slug = "nothing-loaded"
    title = "No data has been loaded"


class NotTrainedError(HabitueError):
    """There is no published run yet."""

    status = 409
    slug = "not-trained"
    title = "No model has been trained"


class NotFoundError(HabitueError):
    """A named thing does not exist: a customer, an audience, a statement."""

    status = 404
    slug = "not-found"
    title = "Not found"


class CypherRefusedError(HabitueError):
    """A user's Cypher is not a read, or asks for more than it may."""

    status = 422
    exit_code = 2
    slug = "cypher-refused"
    title = "The Cypher statement is refused"


class UnauthorizedError(HabitueError):
    """The API key is missing or wrong."""

    status = 401
    slug = "unauthorized"
    title = "An API key is needed"
