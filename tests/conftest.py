"""Graph stores for tests: the embedded one, and a real Neo4j server where one can be started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.opening import open_store
from graph.store import GraphStore
from habitue.settings import Settings

#: Folder with the commands `start` and `stop` of a Neo4j server, beside the repository unless the environment says.
NEO4J_FOLDER = Path(
    os.environ.get("HABITUE_TEST_NEO4J") or Path(__file__).resolve().parents[1].parent / "shared" / "neo4j"
)
STORES = ("ladybug", pytest.param("neo4j", marks=pytest.mark.neo4j))


@pytest.fixture(scope="session")
def neo4j_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of this test run's own, on a free port, without authentication."""
    if not (NEO4J_FOLDER / "start").is_file():
        pytest.skip(f"no Neo4j server: {NEO4J_FOLDER.name}/start not found (set HABITUE_TEST_NEO4J to its folder)")
    if shutil.which("java") is None:
        pytest.skip("no Neo4j server: it needs Java 17 or 21")
    home = tmp_path_factory.mktemp("neo4j")
    command = [str(NEO4J_FOLDER / "start"), "--home", str(home), "--heap", "768m", "--pagecache", "256m"]
    started = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env={"START_TIMEOUT": "240", **os.environ}, check=False
    )
    try:
        assert started.returncode == 0, "the Neo4j server did not start; its messages are above"
        yield started.stdout.strip()
    finally:
        subprocess.run([str(NEO4J_FOLDER / "stop"), str(home), "--kill"], check=False)


def empty_neo4j(url: str) -> None:
    """Delete all that a test's Neo4j server holds."""
    import neo4j

    with neo4j.GraphDatabase.driver(url, notifications_min_severity="OFF") as driver, driver.session() as session:
        # Waits for whatever an earlier test left running, because it needs the same locks.
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()


@pytest.fixture
def empty_neo4j_url(neo4j_url: str) -> str:
    """Address of the same server, with an empty database."""
    empty_neo4j(neo4j_url)
    return neo4j_url


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an empty store, once of each kind.

    Tests may ask for the embedded store taking a later load of few rows in other ways than it would: `ladybug, built
    anew` as it takes one of most rows, and `ladybug, merged` as it takes one too large to be merged later.
    """
    if request.param == "neo4j":
        url: str = request.getfixturevalue("empty_neo4j_url")
        return url
    if request.param == "ladybug, built anew":
        monkeypatch.setattr("graph.ladybug_writer.change_is_faster", lambda *_: False)
    if request.param == "ladybug, merged":
        monkeypatch.setattr("graph.ladybug_writer._DEFERRED_ROWS", 0)
    return f"ladybug://{tmp_path / 'graph'}"


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[GraphStore]:
    """An empty store, once of each kind."""
    opened = open_store(Settings(store=store_url, workspace=tmp_path))
    yield opened
    opened.close()
