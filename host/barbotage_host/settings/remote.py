"""The settings of a connected device: read, and changed in one step that is read back and compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from barbotage_device.errors import RefusedError, UsageError
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError, Code, LinkError
from barbotage_device.link.values import Values
from barbotage_host.settings.changes import Difference, as_changes, differences, shown
from barbotage_host.settings.documents import fetch_document
from barbotage_host.settings.schema import Schema, Setting, parse_schema

SCHEMA_DOCUMENT = "config-schema.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The settings at one moment. ``revision`` names them."""

    values: Mapping[str, Setting]
    revision: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did. ``restart``: the device notices it at its next start."""

    changed: tuple[Difference, ...]
    revision: str
    restart: bool


def read_schema(client: LinkClient) -> Schema:
    """What the device says about its settings."""
    return parse_schema(fetch_document(client, SCHEMA_DOCUMENT))


def read_settings(client: LinkClient) -> Snapshot:
    """The settings as they are now."""
    return _snapshot(client.call("conf.get"))


def make_so(client: LinkClient, schema: Schema, before: Snapshot, wanted: Mapping[str, Setting]) -> Applied:
    """Makes the settings ``wanted``, all or nothing, then reads them back and compares.

    ``wanted`` was checked by the schema; ``before`` is what it was made from. Raises UsageError when the device finds something wrong,
    RefusedError when somebody else has changed the settings meanwhile, AnswerError when the device refuses, LinkError when what it keeps is not what was sent.
    """
    changed = differences(before.values, wanted, schema)
    if not changed:
        return Applied((), before.revision, restart=False)
    params = {"values": as_changes(changed, schema), "revision": before.revision}
    try:
        answer = client.call("conf.set", params)
    except AnswerError as error:
        raise _explained(error, client, before, schema) from error
    after = read_settings(client)
    wrong = differences(after.values, wanted, schema)
    if wrong:
        raise LinkError(
            "read back, the device's settings are not those that were sent: "
            + "; ".join(f"{each.key} is {shown(each.device)}, sent was {shown(each.other)}" for each in wrong)
        )
    if after.revision != answer.text("revision"):
        raise LinkError("the settings were changed again meanwhile, by somebody else; look at them with 'barbotage config diff'")
    return Applied(tuple(changed), after.revision, answer.flag("restart"))


def _explained(error: AnswerError, client: LinkClient, before: Snapshot, schema: Schema) -> Exception:
    if error.code == Code.BAD_REQUEST:
        return UsageError(f"the device refuses: {error.text}; nothing was changed")
    if error.code == Code.REVISION_CONFLICT:
        found = differences(before.values, read_settings(client).values, schema)
        keys = ", ".join(f"{each.key} is now {shown(each.other)}" for each in found) or "and are as before again"
        return RefusedError(
            f"the settings were changed meanwhile by somebody else ({keys}); nothing was changed here, run it again"
        )
    return error


def _snapshot(answer: Values) -> Snapshot:
    values = {key: value for key, value in answer.map("values").items() if value is None or isinstance(value, int | float | str)}
    return Snapshot(values, answer.text("revision"))
