"""`stop` and `rm`: the end of commands and of sessions."""

from __future__ import annotations

from argparse import Namespace

from daytona_rpc.cli import ids, outcome, style
from daytona_rpc.cli.client import ANSWER_WITHIN_S, Client
from daytona_rpc.cli.failure import Failure, Refused
from daytona_rpc.cli.output import STDERR, STDOUT, Output


def stop(options: Namespace) -> int:
    """Stop commands, all at once; one that has ended already is as it should be."""
    grace_ms = round(options.grace * 1000)
    output, code = Output(), 0
    with Client(options.server) as client:
        wanted = []
        for text in options.ids:
            try:
                wanted.append(ids.command(client, text)["commandId"])
            except Failure as failure:
                code = _report(output, failure)
        wanted = list(dict.fromkeys(wanted))
        numbers = [client.post("command/stop", {"commandId": one, "graceMs": grace_ms}) for one in wanted]
        answers = client.answers(numbers, options.grace + ANSWER_WITHIN_S)
        for command_id, answer in zip(wanted, answers, strict=True):
            try:
                output.put(STDOUT, f"{command_id}: {outcome.outcome(answer())}\n".encode())
            except Refused as error:
                output.line(STDERR, f"daytona-rpc: {error}")
                code = code if error.kind == "alreadyFinished" else 1
    output.write_all()
    return code


def rm(options: Namespace) -> int:
    """Delete sessions with their logs; what runs in them is stopped."""
    output, code = Output(), 0
    with Client(options.server) as client:
        wanted = []
        for text in options.ids:
            try:
                wanted.append(_session(client, text))
            except Failure as failure:
                code = _report(output, failure)
        if options.all_finished:
            found = client.request("sessions/list")["sessions"]
            wanted += [one["sessionId"] for one in found if one["running"] == 0]
        wanted = list(dict.fromkeys(wanted))
        numbers = [client.post("sessions/delete", {"sessionId": session_id}) for session_id in wanted]
        for session_id, answer in zip(wanted, client.answers(numbers), strict=True):
            try:
                stopped = answer()["stopped"]
            except Refused as error:
                code = _report(output, error)
                continue
            also = f", {stopped} running stopped" if stopped else ""
            output.put(STDOUT, f"{session_id}: deleted{also}\n".encode())
    output.write_all()
    return code


def _session(client: Client, text: str) -> str:
    try:
        return str(ids.session(client, text)["sessionId"])
    except Failure as failure:
        try:
            status = ids.command(client, text)
        except Failure:
            raise failure from None
        where = f"{status['commandId']} is a command, of session {status['sessionId']}"
        raise Failure(f"{failure}; {style.one_line(where)}") from None


def _report(output: Output, failure: Failure) -> int:
    output.line(STDERR, f"daytona-rpc: {failure}")
    return 1
