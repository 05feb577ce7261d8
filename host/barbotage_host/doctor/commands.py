"""What ``barbotage doctor`` does: asks every check and says what to do."""

import os
from collections.abc import Iterator
from dataclasses import asdict

from barbotage_device.console import EXIT_DONE, EXIT_FAILED
from barbotage_device.errors import BarbotageError
from barbotage_host.devices.connecting import Connection, connect
from barbotage_host.devices.context import Context
from barbotage_host.devices.ports import system_ports
from barbotage_host.doctor import computer, device
from barbotage_host.doctor.findings import Answer, Finding, Verdict, ask_all, fail, ok, skip_all
from barbotage_host.live.board import printable

WORDS = {Verdict.OK: "ok  ", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL", Verdict.SKIPPED: "-   "}
NAME_WIDTH = 14


def examine(context: Context) -> int:
    """Asks every check, one line each; ends with 1 when one failed."""
    answers: list[Answer] = []
    for answer in _answers(context):
        answers.append(answer)
        if not context.as_json:
            _show(answer, context)
    counts = {verdict.value: sum(each.finding.verdict is verdict for each in answers) for verdict in Verdict}
    if context.as_json:
        checks = [{"name": each.name, **asdict(each.finding)} for each in answers]
        context.console.result_json({"checks": checks, **counts})
    else:
        context.console.note(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return EXIT_FAILED if counts[Verdict.FAIL] else EXIT_DONE


def _answers(context: Context) -> Iterator[Answer]:
    place = computer.Computer(context.home, system_ports(), context.target.port)
    yield from ask_all(computer.CHECKS, place)
    connection, finding = _connected(context)
    yield Answer("connection", finding)
    if connection is None:
        yield from skip_all(device.CHECKS, "not connected")
        return
    try:
        subject = device.Subject(connection, os.urandom(device.PING_BYTES), context.console.progress)
        yield from ask_all(device.CHECKS, subject)
    finally:
        connection.close()


def _connected(context: Context) -> tuple[Connection | None, Finding]:
    """Whether the device answers and lets this computer in."""
    try:
        connection = connect(context.target, context.home, context.within_s)
    except BarbotageError as error:
        problem, _, advice = str(error).partition("; ")
        return None, fail(problem, advice)
    who = connection.device
    rate = f" at {connection.baud} baud" if connection.baud else ""
    return connection, ok(f"device {who.serial} ({who.model}) on {connection.port}{rate}")


def _show(answer: Answer, context: Context) -> None:
    finding = answer.finding
    context.console.result(f"{WORDS[finding.verdict]}  {answer.name:{NAME_WIDTH}}  {printable(finding.text)}")
    if finding.advice:
        context.console.result(f"{'':{len(WORDS[Verdict.OK]) + NAME_WIDTH + 4}}do: {printable(finding.advice)}")
