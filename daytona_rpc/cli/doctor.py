"""`doctor`: is everything as it should be, and if not, what is to be done?"""

from __future__ import annotations

import os
import stat
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from importlib import metadata

from daytona_rpc import settings
from daytona_rpc.cli import leftovers, style
from daytona_rpc.cli.failure import Failure
from daytona_rpc.cli.finding import Finding, Level, ok, problem, warning
from daytona_rpc.cli.output import STDOUT, Output
from daytona_rpc.host import shell

_REQUIRED = ("pygls", "lsprotocol", "attrs", "cattrs", "orjson", "httpx", "platformdirs")
_SHELLS = ("bash", "sh", "zsh", "fish", "dash", "ksh")
_LITTLE_BYTES = 1 << 30
_NO_BYTES = 64 << 20
_SLOW_START_S = 5.0
_ANSWER_WITHIN_S = 20.0
_LOG_LINES = 8
_COLOURS = {Level.OK: style.GREEN, Level.WARNING: style.YELLOW, Level.PROBLEM: style.RED}


def doctor(options: Namespace) -> int:
    """Look at everything, say what was found; 1 if something does not work."""
    state = settings.state_dir(options.state_dir)
    log = settings.log_file(options.log_file, state)
    output = Output()
    worst = dict.fromkeys(Level, 0)
    # What is on disk first: a server that starts mends some of it.
    for finding in _all(
        lambda: _versions(),
        lambda: _state_directory(state),
        lambda: _space(state),
        lambda: leftovers.examine(state),
        lambda: _shells(),
        lambda: _log(log),
        lambda: _key(),
        lambda: _server(options.server, log),
    ):
        worst[finding.level] += 1
        (_put_json if options.json else _put)(output, finding)
    if not options.json:
        counts = [f"{worst[level]} {level}s" for level in (Level.PROBLEM, Level.WARNING) if worst[level]]
        output.put(STDOUT, (", ".join(counts) or "nothing is wrong").encode() + b"\n")
    output.write_all()
    return 1 if worst[Level.PROBLEM] else 0


def _all(*examinations: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    for examination in examinations:
        try:
            yield from examination()
        except OSError as error:
            where = error.filename or "the state directory"
            yield problem("files", f"{where}: {error.strerror}", "See that you may read and write it.")


def _put(output: Output, finding: Finding) -> None:
    level = style.paint(f"{finding.level:8}", _COLOURS[finding.level], STDOUT)
    lines = [f"{level} {finding.subject}: {finding.text}"]
    lines += [f"           {line}" for line in finding.details]
    if finding.mend:
        lines.append(f"         > {finding.mend}")
    output.put(STDOUT, "".join(line + "\n" for line in lines).encode("utf-8", "replace"))
    output.write_all()


def _put_json(output: Output, finding: Finding) -> None:
    import json

    output.put(STDOUT, json.dumps(finding._asdict()).encode() + b"\n")


# The examinations


def _versions() -> Iterator[Finding]:
    from daytona_rpc import __version__
    from daytona_rpc.protocol.methods import PROTOCOL_VERSION

    python = ".".join(map(str, sys.version_info[:3]))
    found, missing = [], []
    for name in _REQUIRED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    text = f"daytona-rpc {__version__}, protocol {PROTOCOL_VERSION}, Python {python}, {', '.join(found)}"
    if missing:
        mend = f"{sys.executable} -m pip install {' '.join(missing)}"
        yield problem("versions", f"{', '.join(missing)} not installed beside {text}", mend)
    else:
        yield ok("versions", text)


def _state_directory(state: str) -> Iterator[Finding]:
    subject = "state directory"
    try:
        found = os.stat(state)
    except FileNotFoundError:
        yield ok(subject, f"{state} is not there yet; the first server makes it")
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        yield problem(subject, f"{state} is no directory", "Move it away, or set DAYTONA_RPC_STATE_DIR.")
    elif found.st_uid != os.geteuid():
        yield problem(
            subject,
            f"{state} belongs to {_user(found.st_uid)}, not to {_user(os.geteuid())}",
            f"Give it to you with chown, or set {settings.STATE_DIR_VARIABLE} to a directory of your own.",
        )
    elif not os.access(state, os.R_OK | os.W_OK | os.X_OK):
        yield problem(subject, f"{state} cannot be written", f"chmod 700 {state}")
    elif mode & 0o077:
        mend = f"chmod 700 {state}; a server that starts does it too."
        yield warning(subject, f"{state} is open to others (mode {mode:04o})", mend)
    else:
        yield ok(subject, f"{state}, of {_user(found.st_uid)}, mode {mode:04o}")


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _space(state: str) -> Iterator[Finding]:
    place = state
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    text = f"{free / (1 << 30):.1f} GiB free for logs"
    mend = "Free some space, or delete old sessions with daytona-rpc rm."
    if free < _NO_BYTES:
        yield problem("disk", text, mend)
    elif free < _LITTLE_BYTES:
        yield warning("disk", text, mend)
    else:
        yield ok("disk", text)


def _shells() -> Iterator[Finding]:
    from shutil import which

    ours = shell.find_shell(os.environ)
    found = {os.path.realpath(path): path for path in map(which, _SHELLS) if path is not None}
    found.pop(os.path.realpath(ours), None)
    text = f"new sessions use {ours}; there are also {', '.join(found.values()) or 'no others'}"
    if not os.access(ours, os.X_OK):
        yield problem("shells", f"{ours} cannot be run", "Install bash.")
    elif os.path.basename(ours) == "sh":
        mend = "Install bash: under sh, functions are not carried over from one command to the next."
        yield warning("shells", text, mend)
    else:
        yield ok("shells", text)


def _log(log: str) -> Iterator[Finding]:
    if not os.path.exists(log):
        yield ok("log", f"{log} is not there yet")
    elif not os.path.isfile(log) or not os.access(log, os.W_OK):
        yield problem("log", f"{log} cannot be written", "Make it writable, or set --log-file.")
    else:
        yield ok("log", f"{log}, {os.path.getsize(log) / 1024:.0f} KiB")


def _key() -> Iterator[Finding]:
    key = os.environ.get("DAYTONA_API_KEY")
    if key is not None and not key.strip():
        yield warning("Daytona", "DAYTONA_API_KEY is set but empty", "Set it to your key, or unset it.")
    elif key is None:
        yield ok("Daytona", "DAYTONA_API_KEY is not set: this machine is the only sandbox")
    else:
        yield ok("Daytona", "DAYTONA_API_KEY is set")


def _server(arguments: list[str], log: str) -> Iterator[Finding]:
    began = time.monotonic()
    try:
        from daytona_rpc.cli.client import Client

        with Client(arguments) as client:
            count = len(client.request("sessions/list", timeout_s=_ANSWER_WITHIN_S)["sessions"])
            version = client.server["serverInfo"]["version"]
    except (Failure, ImportError) as error:
        mend = (
            "The last lines of its log, above, may say why." if _end_of(log) else f"It left no log in {log}."
        )
        yield problem("server", f"it does not work: {error}", mend, *_end_of(log))
        return
    took_s = time.monotonic() - began
    text = f"version {version} started and listed {count} sessions within {took_s:.1f} s"
    if took_s > _SLOW_START_S:
        yield warning("server", text, "That is slow: is the machine busy, or its disk?")
    else:
        yield ok("server", text)


def _end_of(log: str) -> list[str]:
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            return [style.one_line(line) for line in file.readlines()[-_LOG_LINES:]]
    except OSError:
        return []
