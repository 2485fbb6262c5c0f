"""The frame around the code: containers, constraints, make targets and the README fit the code and each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from graph.dataset import (
    CampaignsSource,
    CustomersSource,
    Dataset,
    InteractionsSource,
    ProductsSource,
    read_dataset,
)
from habitue.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FRAME = ("Makefile", "Dockerfile", ".dockerignore", "docker-compose.yml", "constraints.txt", ".ci/run", "README.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
    return loaded


def check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    """Validate against the Compose specification's schema, which check-jsonschema carries with it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# Containers


def test_compose_file_follows_the_specification() -> None:
    done = check_compose(ROOT / "docker-compose.yml")
    assert done.returncode == 0, done.stdout


def test_the_check_of_the_compose_file_can_fail(tmp_path: Path) -> None:
    wrong = compose()
    wrong["services"]["api"]["depends_on"]["neo4j"]["condition"] = "when_ready"
    path = tmp_path / "docker-compose.yml"
    path.write_text(yaml.safe_dump(wrong), encoding="utf-8")
    assert check_compose(path).returncode == 1


def test_api_waits_until_neo4j_is_healthy() -> None:
    services = compose()["services"]
    assert services["neo4j"]["image"].startswith("neo4j:5.26")
    assert services["api"]["depends_on"]["neo4j"]["condition"] == "service_healthy"
    assert all(service["healthcheck"]["test"] for service in services.values())


def test_every_port_is_open_on_this_machine_only() -> None:
    ports = [port for service in compose()["services"].values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    services = compose()["services"]
    for value in (
        services["neo4j"]["environment"]["NEO4J_AUTH"].removeprefix("neo4j/"),
        services["api"]["environment"]["HABITUE_NEO4J_PASSWORD"],
        services["api"]["environment"]["HABITUE_API_KEY"],
    ):
        assert re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", value)


def test_api_is_given_only_settings_that_exist() -> None:
    given = {name for name in compose()["services"]["api"]["environment"] if name.startswith("HABITUE_")}
    assert given <= {f"HABITUE_{field.upper()}" for field in Settings.model_fields}


def test_every_named_volume_is_declared() -> None:
    loaded = compose()
    used = {volume.split(":")[0] for service in loaded["services"].values() for volume in service["volumes"]}
    assert used == set(loaded["volumes"])


def test_image_holds_every_package_and_nothing_that_is_not_there() -> None:
    copied = [
        source
        for line in read("Dockerfile").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    assert all((ROOT / source).exists() for source in copied)
    let_through = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert let_through == set(copied)


def test_image_does_not_run_as_root_and_has_a_health_check() -> None:
    dockerfile = read("Dockerfile")
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["habitue"]
    assert "HEALTHCHECK" in dockerfile
    assert "/healthz" in dockerfile
    assert re.search(r'^ENTRYPOINT \["habitue"\]$', dockerfile, re.MULTILINE)


# Constraints


def pinned() -> dict[str, Version]:
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    found = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line)
        assert match, f"not a plain pin: {line}"
        found[canonicalize_name(match[1])] = Version(match[2])
    assert len(found) == len(lines)
    return found


def test_every_requirement_is_pinned_to_a_version_that_it_allows() -> None:
    versions = pinned()
    project = PROJECT["project"]
    for text in (
        *project["dependencies"],
        *project["optional-dependencies"]["demo"],
        *project["optional-dependencies"]["dev"],
    ):
        requirement = Requirement(text)
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, text


# Make and CI


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


def test_make_has_the_promised_targets_and_helps() -> None:
    assert {"demo", "test", "lint", "types", "serve", "bench", "clean", "help"} <= targets()
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in done.stdout.splitlines()} == targets()


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("no-such-python", "'no-such-python' was not found"),
        ("./old-python", "Habitué needs Python 3.11 or newer, and ./old-python is 3.9"),
    ],
)
def test_make_says_which_python_it_needs(tmp_path: Path, python: str, message: str) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    pretend = "import sys; sys.version_info = (3, 9, 1); sys.version = '3.9.1 (old)'"
    old.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{pretend}; exec(sys.argv[1])" "$2"\n', encoding="utf-8")
    old.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "demo", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_is_executable_and_well_formed() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)
    assert set(re.findall(r"make --no-print-directory ([a-z]+)", read(".ci/run"))) <= targets()


# The README


def test_readme_names_only_make_targets_that_exist() -> None:
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", read("README.md"), re.MULTILINE))
    assert {"demo", "serve", "test"} <= named <= targets()


def test_readme_documents_every_setting_and_no_other() -> None:
    named = set(re.findall(r"`(HABITUE_[A-Z0-9_]+)`", read("README.md")))
    assert named - {"HABITUE_TEST_NEO4J"} == {f"HABITUE_{field.upper()}" for field in Settings.model_fields}


def test_readmes_data_set_is_one_that_loading_understands(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", read("README.md"), re.DOTALL)
    assert block
    (tmp_path / "dataset.toml").write_text(block[1], encoding="utf-8")
    dataset = read_dataset(tmp_path)
    assert dataset.name == "my-shop"
    assert [each.type for each in dataset.interactions] == ["PURCHASED"]


def test_data_set_reference_explains_every_key() -> None:
    named = set(re.findall(r"`([a-z_]+)`", read("docs/datasets.md")))
    tables = (CustomersSource, ProductsSource, CampaignsSource, InteractionsSource)
    keys = {key for table in tables for key in table.model_fields}
    keys |= {
        key
        for key in Dataset.model_fields
        if key not in ("folder", "customers", "products", "campaigns", "interactions")
    }
    assert keys <= named


def test_documents_that_the_readme_links_to_exist() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", read("README.md"))
    assert linked
    assert [each for each in linked if not (ROOT / each).is_file()] == []


@pytest.mark.parametrize("name", FRAME)
def test_frame_holds_no_address_of_an_index_and_no_path_of_one_machine(name: str) -> None:
    text = read(name)
    assert not re.search(r"pypi|index-url[= ]+http|find-links|/root/|/home/\w+/", text, re.IGNORECASE)
