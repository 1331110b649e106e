"""How the package is built, as rules that fail when they are broken.

A module imports only from its own floor and from those above it in this table. An import for types alone
counts as any other.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "daytona_rpc"

FLOORS = (
    # what goes wrong, what is said, what is agreed outside: they know nothing of ours
    ("errors", "protocol", "settings", "journal", "framing", "stdio"),
    # a session host: a process of its own, with what the sidecar reads of its files
    ("host",),
    # values to JSON and back, bytes to messages and back
    ("codec", "envelope", "writer"),
    # one client's connection: before the heavy imports, and from byte to byte
    ("gate", "connection"),
    # what reads and writes the sessions on disk and speaks with their hosts
    ("chunks", "launcher", "link", "attachment", "handle", "sweep", "registry"),
    # JSON-RPC
    ("rpc", "client"),
    # what each method does
    ("followers", "commands", "server"),
    # what a user starts
    ("cli",),
    ("__main__",),
)

# Each library and the only modules that import it. What is in no row is not imported at all.
LIBRARIES = {
    "pygls": {"rpc"},
    "lsprotocol": {"rpc"},
    "cattrs": {"codec", "rpc"},
    "attrs": {"codec", "protocol", "handle", "commands"},
    "orjson": {"codec", "connection", "link", "attachment", "followers", "rpc", "cli"},
    "platformdirs": {"settings"},
}

# Costs more than all the rest of a host, in time or in memory.
TOO_HEAVY_FOR_A_HOST = {
    "asyncio", "concurrent", "ctypes", "datetime", "email", "http", "inspect", "logging", "multiprocessing",
    "pathlib", "shutil", "ssl", "subprocess", "tempfile", "threading", "traceback", "urllib",
}  # fmt: skip

LINES = range(20, 251)
OTHER_LENGTHS = {
    "__init__.py": "a version and a sentence",
    "__main__.py": "a call",
    "host/__init__.py": "a docstring",
    "host/__main__.py": "a call",
    "cli/follower.py": "one wait over two inputs and all that may come from them",
    "commands.py": "one short method for each of the wire's",
    "handle.py": "one session's whole life as a sidecar sees it",
    "host/command.py": "one command's whole life, whose parts share its state",
    "host/main.py": "the host's start, its table of operations, and its end",
    "host/shelldump.py": "the grammar of four shells' dumps",
    "registry.py": "what is done with sessions, and what others do with them",
    "rpc.py": "the whole seam around pygls: nothing else may touch it",
    "writer.py": "the order of everything that is sent, in one place",
}


class Module:
    """One module: its place and its syntax."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(PACKAGE)
        self.room = self.path.parts[0].removesuffix(".py")
        self.source = path.read_text()
        self.tree = ast.parse(self.source)

    def __str__(self) -> str:
        return str(self.path)

    def imports(self) -> Iterator[str]:
        """The full name of everything it imports, wherever in it."""
        name = ("daytona_rpc", *self.path.with_suffix("").parts)
        package = name[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else ()
                start = ".".join((*base, node.module) if node.module else base)
                yield from (f"{start}.{alias.name}" for alias in node.names)

    def rooms(self) -> set[str]:
        """The modules and folders of ours that it imports."""
        ours = (name.split(".") for name in self.imports() if name.split(".")[0] == "daytona_rpc")
        return {parts[1] for parts in ours if parts[1:] and parts[1] != "__version__"}


MODULES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
every_module = pytest.mark.parametrize("module", MODULES, ids=str)


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


# Floors


def test_each_module_has_its_floor_and_each_floor_its_modules() -> None:
    placed = [room for rooms in FLOORS for room in rooms]
    assert sorted({module.room for module in MODULES} - {"__init__"}) == sorted(placed)


@every_module
def test_a_module_imports_from_its_own_floor_and_above(module: Module) -> None:
    if module.room == "__init__":
        assert set() == module.rooms()
        return
    assert [] == [room for room in module.rooms() if floor(room) > floor(module.room)]


@every_module
def test_the_words_know_nothing_of_ours_but_each_other(module: Module) -> None:
    if floor_of(module) == 0:
        assert module.rooms() <= {module.room}


def floor_of(module: Module) -> int:
    return -1 if module.room == "__init__" else floor(module.room)


@every_module
def test_libraries_are_imported_where_the_table_says(module: Module) -> None:
    outside = {_library(name) for name in module.imports()} - sys.stdlib_module_names - {"daytona_rpc"}
    assert [] == [name for name in outside if module.room not in LIBRARIES.get(name, ())]


def test_each_row_of_libraries_is_used() -> None:
    used = {(_library(name), module.room) for module in MODULES for name in module.imports()}
    rows = {(name, room) for name, rooms in LIBRARIES.items() for room in rooms}
    assert set() == rows - used


def _library(name: str) -> str:
    top = name.split(".")[0]
    return "attrs" if top == "attr" else top


@every_module
def test_processes_are_spawned_without_subprocess(module: Module) -> None:
    """It costs a host its start, and the sidecar a thread or a signal handler for each child."""
    assert not [name for name in module.imports() if name.split(".")[0] == "subprocess"]


@every_module
def test_only_the_command_line_prints(module: Module) -> None:
    names = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    assert module.room == "cli" or "print" not in names


# The host


@pytest.mark.parametrize("module", [module for module in MODULES if module.room == "host"], ids=str)
def test_the_host_needs_the_standard_library_and_itself_alone(module: Module) -> None:
    assert module.rooms() <= {"host"}
    outside = {name.split(".")[0] for name in module.imports()} - {"daytona_rpc"}
    assert outside <= sys.stdlib_module_names
    ast.parse(module.source, feature_version=(3, 8))  # the oldest Python it may meet in a sandbox


def test_a_host_that_has_started_has_imported_nothing_heavy() -> None:
    text = "import sys; sys.path.append(sys.argv[1]); import daytona_rpc.host.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", text, str(ROOT)], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert set() == loaded & TOO_HEAVY_FOR_A_HOST
    assert loaded - {"daytona_rpc", "__main__"} <= sys.stdlib_module_names | {"encodings"}


@pytest.mark.parametrize("module", ["gate", "settings", "journal"])
def test_what_answers_first_has_imported_nothing_of_the_libraries_but_orjson(module: str) -> None:
    text = f"import sys, daytona_rpc.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set() == set(done.stdout.split()) & {"attr", "attrs", "cattrs", "pygls", "lsprotocol", "asyncio"}


# One noun a module


@every_module
def test_a_module_fits_on_a_few_screens_or_says_why_not(module: Module) -> None:
    lines = module.source.count("\n")
    assert (lines in LINES) != (str(module) in OTHER_LENGTHS), f"{lines} lines"


def test_the_modules_of_other_lengths_are_there() -> None:
    assert set(OTHER_LENGTHS) <= {str(module) for module in MODULES}


# Docstrings and documents


@every_module
def test_modules_classes_and_longer_functions_say_what_they_are(module: Module) -> None:
    assert ast.get_docstring(module.tree)
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    public = [node for node in module.tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    silent = [
        node.name
        for node in public
        if not ast.get_docstring(node) and (isinstance(node, ast.ClassDef) or _lines(node) > 25)
    ]
    assert [] == silent


def _lines(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("document", ["README.md", "protocol.md"])
def test_the_paths_a_document_names_are_there(document: str) -> None:
    tops = {path.name for path in ROOT.iterdir()}
    named = re.findall(r"`(\.?[\w-]+(?:/[\w.-]+)*/?)`", (ROOT / document).read_text())
    paths = {name for name in named if "/" in name and name.split("/")[0] in tops}
    assert [] == sorted(name for name in paths if not (ROOT / name).exists())
