"""The order of what is received, and that news and truth agree."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import FINAL, Client, Message

RANKS = {"queued": 0, "running": 1, **dict.fromkeys(FINAL, 2)}


def of_command(client: Client, command_id: str) -> list[tuple[int, str, Message]]:
    """Index, method and params of all notifications about a command."""
    return [
        (index, message["method"], message["params"])
        for index, message in enumerate(client.received)
        if message.get("method") in ("command/output", "command/statusChanged")
        and message["params"]["commandId"] == command_id
    ]


def check(client: Client, command_id: str, answered: int | None) -> None:
    """Assert the order that is promised for one finished command."""
    news = of_command(client, command_id)
    outputs = [index for index, method, _ in news if method == "command/output"]
    statuses = [(index, params) for index, method, params in news if method == "command/statusChanged"]
    first_news = min([index for index, _ in statuses[:1]] + ([] if answered is None else [answered]))
    assert all(first_news < index for index in outputs), "output before the command was heard of"
    ranks = [RANKS[params["status"]] for _, params in statuses]
    assert sorted(ranks) == ranks, "a status went back"
    assert 1 == ranks.count(2), "not exactly one final status"
    final_index, final = statuses[-1]
    assert all(index < final_index for index in outputs), "output after the final status"
    assert final["logSize"] == len(client.output(command_id))
    assert final == client.status(command_id)


@pytest.mark.requirement("ORD-1", "ORD-2", "ORD-3", "CMD-9")
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_a_command_is_heard_of_before_its_output_and_its_end_after_it(
    client: Client, session: str, run_async: bool
) -> None:
    texts = [f"seq {100 * n}; exit {n}" for n in range(30)]
    params = [{"sessionId": session, "command": text, "runAsync": run_async} for text in texts]
    requests = [client.send_request("command/execute", each) for each in params]
    for n, request_id in enumerate(requests):
        answer = client.answer(request_id)
        command_id = answer["result"]["commandId"]
        assert n == client.wait_finished(command_id)["exitCode"]
        check(client, command_id, client.received.index(answer) if run_async else None)


@pytest.mark.requirement("ORD-1", "ORD-3")
def test_a_command_that_floods_at_its_start_is_in_order(
    backend: LocalBackend, client: Client, session: str
) -> None:
    request_id = client.send_request(
        "command/execute",
        {"sessionId": session, "argv": backend.argv("flood.py", 3_000_000), "runAsync": True},
    )
    answer = client.answer(request_id)
    client.wait_finished(answer["result"]["commandId"])
    check(client, answer["result"]["commandId"], client.received.index(answer))


def test_every_notification_is_about_a_command_by_both_ids(client: Client, session: str) -> None:
    command_id = client.start(session, "echo hi; echo ho >&2")
    client.wait_finished(command_id)
    news = of_command(client, command_id)
    assert {(session, command_id)} == {(params["sessionId"], params["commandId"]) for _, _, params in news}


def test_a_chunk_holds_what_is_documented(client: Client, session: str) -> None:
    command_id = client.start(session, "echo hi")
    client.wait_finished(command_id)
    (chunk,) = client.notifications("command/output", commandId=command_id)
    at = chunk.pop("at")
    expected = {
        "sessionId": session,
        "commandId": command_id,
        "offset": 0,
        "channel": "stdout",
        "data": "hi\n",
        "encoding": "utf8",
    }
    assert expected == chunk
    status = client.status(command_id)
    assert status["startedAt"] <= at <= status["endedAt"]


@pytest.mark.requirement("ORD-5")
def test_status_and_log_agree_at_any_moment(backend: LocalBackend, client: Client, session: str) -> None:
    command_id = client.start(session, backend.line("numbered.py", 100, "--delay-s", 0.01))
    finished = False
    while not finished:
        before = client.status(command_id)
        page = client.request("command/logs", {"commandId": command_id})
        after = client.status(command_id)
        assert before["logSize"] <= page["size"] <= after["logSize"]
        assert RANKS[before["status"]] // 2 <= page["finished"] <= RANKS[after["status"]] // 2
        finished = page["finished"]
    assert after == client.wait_finished(command_id)


@pytest.mark.requirement("CMD-15", "CMD-14")
def test_statuses_of_all_sources_are_the_same(client: Client, session: str) -> None:
    command_id = client.start(session, "echo hi; exit 3")
    final = client.wait_finished(command_id)
    assert final == client.status(command_id)
    assert final == client.request("command/wait", {"commandId": command_id})
    assert [final] == client.request("command/list")["commands"]
    assert [final] == client.request("command/list", {"sessionId": session})["commands"]
    assert [final] == client.request("sessions/get", {"sessionId": session})["commands"]


@pytest.mark.requirement("ORD-3", "CMD-9")
def test_the_final_status_comes_after_the_end_however_it_ends(client: Client, session: str) -> None:
    ids = [
        client.start(session, f"seq 2000; {end}")
        for end in ("exit 3", "kill -9 $$", "sleep 600", "sleep 600")
    ]
    client.request("command/stop", {"commandId": ids[2]})
    client.request("command/signal", {"commandId": ids[3], "signal": "TERM"})
    ends = [client.wait_finished(command_id)["status"] for command_id in ids]
    assert ["completed", "completed", "stopped", "stopped"] == ends
    for command_id in ids:
        check(client, command_id, 0)
