"""A server that answers `shutdown` and misbehaves on request: what the harness has to notice."""

import json
import os
import sys


def write(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def output(offset, data):
    chunk = {"commandId": "c", "offset": offset, "channel": "stdout", "data": data, "encoding": "utf8"}
    write({"method": "command/output", "params": chunk})


def read():
    header = sys.stdin.buffer.readline()
    if not header:
        sys.exit(0)
    sys.stdin.buffer.readline()
    return json.loads(sys.stdin.buffer.read(int(header.split()[1])))


def main():
    while True:
        message = read()
        method, params = message.get("method"), message.get("params")
        if method == "exit":
            sys.exit(0)
        elif method == "chunks":
            for offset, data in params:
                output(offset, data)
        elif method == "silent":
            continue
        elif method == "fail":
            error = {"code": 1001, "message": "no such thing", "data": {"kind": "notFound"}}
            write({"id": message["id"], "error": error})
            continue
        elif method == "noise":
            os.write(1, b"print() from a dependency\r\n\r\n")
        elif method == "stderr":
            os.write(2, b"Traceback\n")
        elif method == "twice":
            write({"id": message["id"], "result": None})
        elif method == "die":
            os.kill(os.getpid(), 9)
        elif method == "ask":
            write({"id": "from the server", "method": "window/workDoneProgress/create", "params": {}})
            write({"method": "answered", "params": read()})
        if "id" in message:
            write({"id": message["id"], "result": params})


main()
