"""How each number is got: one run of one subject, to be repeated in turn with the others."""

from __future__ import annotations

import math
import os
import shlex
import sys
import time
from dataclasses import dataclass
from statistics import median, quantiles

from tests.bench import memory
from tests.bench.clients import Client
from tests.bench.subjects import HERE, STOCK, STOCK_BY_LINE, Bench, Subject

Result = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    requests: int
    flood_bytes: int
    lines: int
    ticks: int
    requests_in_flood: int


FULL = Scale(5, 2000, 128 << 20, 400_000, 250, 250)
QUICK = Scale(2, 500, 32 << 20, 100_000, 100, 100)

TICK_S = 0.003
FLOOD_REQUEST_EVERY_S = 0.004
FLOOD_S = 60.0
ANSWER_WITHIN_S = 3.0
IDLE_S = 0.5


def program(name: str, *numbers: float) -> str:
    """The shell command of one of child.py's programs; `exec`, so that a shell in between plays no part."""
    words = (sys.executable, "-I", "-S", str(HERE / "child.py"), name, *map(str, numbers))
    return "exec " + shlex.join(words)


def p99(samples: list[float]) -> float:
    return quantiles(samples, n=100, method="inclusive")[98]


def initialize(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """From before the process is started to the decoded answer."""
    with bench.client(subject) as client:
        request = client.initialize_request()
        client.send(request)
        client.answer(request)
        return {"ms": (time.perf_counter() - client.started) * 1e3}


def first_output(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """From before the process is started to the first byte of a command asked for right behind initialize."""
    command = "echo hello"
    if not subject.executes:
        started = time.perf_counter()
        with bench.pipe(command) as fd:
            os.read(fd, 1)
            return {"ms": (time.perf_counter() - started) * 1e3}
    with bench.client(subject) as client:
        initialized = {"method": "initialized", "params": {}}
        client.send(client.initialize_request(), initialized, client.execute_request(command))
        next(client.outputs())
        return {"ms": (time.perf_counter() - client.started) * 1e3}


def status(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """Requests one after the other about a command that runs, each from before its encoding."""
    with bench.client(subject) as client:
        client.initialize()
        command_id = client.execute("exec sleep 600") if subject.executes else "none"
        _ask(client, command_id, scale.requests // 10)  # whatever is done the first time only
        samples = _ask(client, command_id, scale.requests)
        return {"p50": median(samples) * 1e6, "p99": p99(samples) * 1e6}


def _ask(client: Client, command_id: str, count: int) -> list[float]:
    samples = []
    for _ in range(count):
        asked = time.perf_counter()
        client.call("command/status", {"commandId": command_id}, ANSWER_WITHIN_S)
        samples.append(time.perf_counter() - asked)
    return samples


def flood(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """A command that writes 64 KiB at a time: decoded bytes per second, and what memory it took."""
    return _stream(bench, subject, program("flood", scale.flood_bytes), scale.flood_bytes)


def lines(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """Lines of 100 bytes, 40 in each write as a C library's buffer does it."""
    return _stream(bench, subject, program("lines", scale.lines, 40), scale.lines * 100)


def pushed_lines(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """The same lines; stock reads line by line and sends a notification for each."""
    by_line = STOCK_BY_LINE if subject == STOCK else subject
    count = scale.lines // 4
    return _stream(bench, by_line, program("lines", count, 40), count * 100)


def single_lines(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """Lines of 100 bytes, each with a write of its own as a tool does it that flushes."""
    return _stream(bench, subject, program("lines", scale.lines, 1), scale.lines * 100)


def _stream(bench: Bench, subject: Subject, command: str, size: int) -> Result:
    """Bytes per second between the first piece of output and the last."""
    if not subject.executes:
        with bench.pipe(command) as fd:
            got = first = len(os.read(fd, 1 << 20))
            began = time.perf_counter()
            while got < size:
                got += len(os.read(fd, 1 << 20))
            speed = (size - first) / (time.perf_counter() - began) / 1e6
            return {"MB/s": speed, "lines/s": speed * 1e4}
    with bench.client(subject) as client:
        client.initialize()
        client.send(client.execute_request(command))
        outputs = client.outputs(size)
        first = len(next(outputs))
        began = time.perf_counter()
        for _ in outputs:
            pass
        speed = (size - first) / (time.perf_counter() - began) / 1e6
        used = memory.of(client.process.pid)
        return {"MB/s": speed, "lines/s": speed * 1e4, "rss": used.rss / 1e6, "pss": used.pss / 1e6}


def latency(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """From before a line is written to the moment its text is decoded; the line says when it was written."""
    command = program("ticks", scale.ticks, TICK_S)
    samples: list[float] = []

    def take(text: str) -> None:
        now = time.monotonic_ns()
        samples.extend((now - int(line)) / 1e3 for line in text.splitlines())

    if not subject.executes:
        with bench.pipe(command) as fd:
            while data := os.read(fd, 65536):
                take(data.decode())
    else:
        with bench.client(subject) as client:
            client.initialize()
            client.send(client.execute_request(command))
            for text in client.outputs():
                take(text)
    assert len(samples) == scale.ticks, f"{len(samples)} lines came"
    return {"p50": median(samples), "p99": p99(samples)}


def status_in_flood(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """Requests every few milliseconds while output pours in and is decoded.

    Infinite for a server that queues without bound: the answer would come when its memory is used up.
    """
    with bench.client(subject) as client:
        client.initialize()
        command_id = client.execute(program("flood_for", FLOOD_S))
        outputs = client.outputs()
        for _ in range(200):
            next(outputs)
        samples = []
        for _ in range(scale.requests_in_flood):
            until = time.perf_counter() + FLOOD_REQUEST_EVERY_S
            while time.perf_counter() < until:
                if client.waiting():
                    client.receive()
            try:
                samples += _ask(client, command_id, 1)
            except TimeoutError:
                return {"p50": math.inf, "p99": math.inf}
        return {"p50": median(samples) * 1e3, "p99": p99(samples) * 1e3}


def idle_host(bench: Bench, subject: Subject, scale: Scale) -> Result:
    """The memory of a session's host once its first command is over."""
    with bench.client(subject) as client:
        client.initialize()
        client.call("command/execute", {"command": "true"})
        time.sleep(IDLE_S)
        (host,) = bench.hosts()
        used = memory.of(host.pid)
        return {"rss": used.rss / 1e6, "pss": used.pss / 1e6}
