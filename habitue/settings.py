"""Settings from the environment: the store, the workspace, credentials. Secrets come from here and nowhere else."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What the environment says; each field is `HABITUE_` and its name in capitals.

    Attributes:
        workspace: Directory of the embedded graph, the runs and the audiences.
        store: Address of the graph store: `neo4j://host:7687`, `bolt://…`, `neo4j+s://…` or `ladybug:///path`;
            empty means the embedded store inside the workspace.
        neo4j_user: User name for Neo4j; empty means a server without authentication.
        neo4j_password: Password for Neo4j.
        neo4j_database: Database name in Neo4j.
        api_key: Key that API clients send as `Authorization: Bearer …`; needed beyond loopback.
    """

    model_config = SettingsConfigDict(env_prefix="HABITUE_", frozen=True, extra="ignore")

    workspace: Path = Path("habitue-workspace")
    store: str = ""
    neo4j_user: str = ""
    neo4j_password: SecretStr = SecretStr("")
    neo4j_database: str = "neo4j"
    api_key: SecretStr = SecretStr("")
