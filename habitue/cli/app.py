"""The command's frame: which commands there are, and how errors leave it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from habitue import __version__
from habitue.errors import HabitueError

#: Root of the errors about arguments; newer releases of typer bring a click of their own.
_WRONG_USAGE: type[Exception] = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")

#: Modules of commands, in the order in which `--help` lists them; importing one registers its commands.
_PARTS = ("data", "learn", "embed", "explore", "serve", "schema", "export", "move", "care")

app = typer.Typer(
    name="habitue",
    help="A self-hosted, graph-native customer knowledge graph engine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def frame(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """A self-hosted, graph-native customer knowledge graph engine."""
    if version:
        typer.echo(f"habitue {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run a command; the exit status: 0 done, 1 failed, 2 wrong usage."""
    for part in _PARTS:
        import_module(f"habitue.cli.{part}")

    try:
        result = app(args=list(arguments), prog_name="habitue", standalone_mode=False)
    except HabitueError as error:
        return _fail(error, "--json" in arguments)
    except typer.Abort:
        typer.echo("Stopped.", err=True)
        return 130
    except _WRONG_USAGE as error:
        error.show()  # type: ignore[attr-defined]
        return 2
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    except Exception as error:
        if os.environ.get("HABITUE_DEBUG"):
            raise
        return _fail(_as_ours(error), "--json" in arguments)
    return result if isinstance(result, int) else 0


def _as_ours(error: Exception) -> HabitueError:
    """What the system refused, or nobody foresaw, as one of our errors."""
    if isinstance(error, OSError):
        return HabitueError(f"the system refused: {error}.")
    return HabitueError(
        f"something unexpected went wrong ({type(error).__name__}: {error}).",
        hint="Set HABITUE_DEBUG=1 to see where, and please report it.",
    )


def _fail(error: HabitueError, as_json: bool) -> int:
    if as_json:
        problem = {"error": {"type": error.slug, "title": error.title, "detail": error.message, "hint": error.hint}}
        json.dump(problem, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    typer.echo(f"Error: {error.message}", err=True)
    if error.hint:
        typer.echo(error.hint, err=True)
    return error.exit_code
