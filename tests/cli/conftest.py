"""One machine serves the tests of a module; each test ends what it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cli.commandline import PROGRAM, CommandLine, Screen
from tests.machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.sweep()


@pytest.fixture
def cli(machine: Machine) -> Iterator[CommandLine]:
    cli = CommandLine(machine)
    yield cli
    cli.tidy()


@pytest.fixture
def screen(cli: CommandLine) -> Iterator[Callable[..., Screen]]:
    """Starts `daytona-rpc`, or shell text in which it is a command, on a terminal."""
    screens: list[Screen] = []

    def start(*args: str, shell: str = "", size: tuple[int, int] = (80, 24), **env: str) -> Screen:
        argv = ["bash", "-c", shell] if shell else [*PROGRAM, *args]
        screens.append(Screen(argv, cli.env(env), cli.machine.work, size))
        return screens[-1]

    yield start
    for one in screens:
        one.close()
