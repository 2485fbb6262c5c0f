"""The workspace on disk: whole directories or none, one writer, and what an interruption leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from habitue.errors import LockedError
from habitue.workspace import Workspace

ROOT = Path(__file__).parents[2]

# A process that does something in a workspace, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from habitue.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
with workspace.writing("training"), workspace.new_directory(workspace.runs, "training") as making:
    (making / "half.txt").write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def hold(workspace: Workspace) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(workspace.path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    return holder


def end(holder: subprocess.Popen[str], *, kill: bool) -> None:
    if kill:
        holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert holder.returncode == (-signal.SIGKILL if kill else 0)


def test_nothing_is_made_before_something_is_written(workspace: Workspace) -> None:
    assert workspace.current_run() is None
    assert workspace.interrupted() == []
    assert workspace.writer() == ""
    assert not workspace.path.exists()


def test_a_directory_takes_its_place_whole(workspace: Workspace) -> None:
    with workspace.new_directory(workspace.runs, "training") as making:
        (making / "a.txt").write_text("a")
        (making / "deep").mkdir()
        (making / "deep" / "b.txt").write_text("b")
        assert making.name.startswith(".making-training-")
    (made,) = workspace.runs.iterdir()
    assert not made.name.startswith(".")
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*")) == ["a.txt", "deep", "deep/b.txt"]
    assert workspace.interrupted() == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_no_directory(workspace: Workspace, error: type[BaseException]) -> None:
    with pytest.raises(error), workspace.new_directory(workspace.runs, "training"):
        raise error
    assert list(workspace.runs.iterdir()) == []


def test_a_killed_process_leaves_a_note_and_the_next_one_clears_it_away(workspace: Workspace) -> None:
    end(hold(workspace), kill=True)
    (note,) = workspace.interrupted()
    assert note["kind"] == "training"
    assert note["started_at"].startswith("20")
    assert workspace.writer() == ""  # the lock went with the process
    with workspace.new_directory(workspace.runs, "scoring"):
        assert len(workspace.interrupted()) == 2  # another kind leaves it where it is
    with workspace.writing("training"), workspace.new_directory(workspace.runs, "training"):
        pass
    assert workspace.interrupted() == []
    assert all(not path.name.startswith(".") for path in workspace.runs.iterdir())


def test_a_note_that_is_no_json_is_passed_over(workspace: Workspace) -> None:
    torn = workspace.runs / ".making-training-1"
    torn.mkdir(parents=True)
    (torn / "making.json").write_text('{"kind": "trai')
    assert workspace.interrupted() == []


def test_one_process_writes_and_another_is_told_what_it_does(workspace: Workspace) -> None:
    holder = hold(workspace)
    assert workspace.writer().startswith(f"training, process {holder.pid}, since 20")
    with pytest.raises(LockedError) as refused, workspace.writing("loading"):
        pass
    assert f"training, process {holder.pid}" in refused.value.message
    end(holder, kill=False)
    with workspace.writing("loading"):
        assert workspace.writer().startswith("loading, process")
    assert workspace.writer() == ""


def test_the_lock_is_free_after_an_error_and_after_a_kill(workspace: Workspace) -> None:
    with pytest.raises(ValueError), workspace.writing("loading"):
        raise ValueError
    assert workspace.writer() == ""
    end(hold(workspace), kill=True)
    with workspace.writing("loading"):
        pass


def test_the_lock_is_not_taken_twice_by_one_process_either(workspace: Workspace) -> None:
    with workspace.writing("training"), pytest.raises(LockedError, match="training"), workspace.writing("scoring"):
        pass


def test_publishing_names_a_run_that_exists(workspace: Workspace) -> None:
    with workspace.new_directory(workspace.runs, "scoring") as making:
        (making / "manifest.json").write_text(json.dumps({}))
    (run,) = workspace.runs.iterdir()
    workspace.publish(run.name)
    assert workspace.current_run() == run
    workspace.publish("20240101T000000-gone")
    assert workspace.current_run() is None
    assert not (workspace.path / "current.new").exists()
