"""What ``barbotage config …`` does."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from barbotage_device.console import EXIT_DONE
from barbotage_device.errors import UsageError
from barbotage_device.link.errors import AnswerError, Code, LinkError
from barbotage_device.session.files import replace_atomically
from barbotage_host.devices.connecting import Connection
from barbotage_host.devices.context import Context, connect_device
from barbotage_host.devices.words import plural
from barbotage_host.settings.changes import Difference, differences, merged, shown, whole
from barbotage_host.settings.documents import fetch_document
from barbotage_host.settings.reading import flatten_table, read_file, read_words
from barbotage_host.settings.remote import Applied, make_so, read_schema, read_settings
from barbotage_host.settings.schema import Entry, Schema, Setting

CONFIG_DOCUMENT = "config.toml"
LINK_SECTION = "link."

Wanted = Callable[[Schema, Mapping[str, Setting]], Mapping[str, Setting]]
"""From the schema and the present settings, the ones that are wanted."""


def show_settings(context: Context, names: tuple[str, ...]) -> int:
    """The settings, all or those that were named."""
    with _connected(context) as connection:
        snapshot = read_settings(connection.client)
        schema = _schema_if_allowed(connection)
    values = dict(sorted(snapshot.values.items(), key=lambda item: schema.position(item[0]) if schema else 0))
    if names:
        known = schema or _bare_schema(values)
        keys = [key for name in names for key in known.find(name)]
        values = {key: snapshot.values.get(key) for key in keys}
    if context.as_json:
        serial = connection.device.serial
        context.console.result_json({"device": serial, "revision": snapshot.revision, "values": values})
        return EXIT_DONE
    for key, value in values.items():
        unit = schema.unit(key) if schema else ""
        context.console.result(f"{key} = {shown(value, unit if value is not None else '')}")
    return EXIT_DONE


def set_settings(context: Context, words: tuple[str, ...], dry_run: bool) -> int:
    """Sets what ``KEY=VALUE`` words say."""
    if not words:
        raise UsageError("nothing to set; give KEY=VALUE, for example screen.language=en")
    return _change(context, lambda schema, present: merged(present, schema.check(read_words(words, schema)), schema), dry_run)


def apply_file(context: Context, path: Path, dry_run: bool) -> int:
    """Sets the keys of a file; the others stay."""
    values = read_file(path)
    return _change(context, lambda schema, present: merged(present, schema.check(values), schema), dry_run)


def import_file(context: Context, path: Path, dry_run: bool) -> int:
    """Makes the device's settings those of a file; keys that it does not have become as on a new device."""
    values = read_file(path)
    return _change(context, lambda schema, _: merged(schema.factory(), schema.check(values), schema), dry_run)


def show_differences(context: Context, path: Path | None) -> int:
    """Where the device differs from a file (its keys), or from a new device."""
    values = None if path is None else read_file(path)
    with _connected(context) as connection:
        snapshot = read_settings(connection.client)
        schema = read_schema(connection.client)
    other = schema.factory() if values is None else merged(snapshot.values, schema.check(values), schema)
    found = differences(snapshot.values, other, schema)
    against = "factory" if path is None else str(path)
    if context.as_json:
        context.console.result_json(
            {"device": connection.device.serial, "against": against, "differences": _rows(found, "other")}
        )
        return EXIT_DONE
    name = "factory" if path is None else "file"
    for each in found:
        context.console.result(f"{each.key} = {shown(each.device, each.unit)} ({name}: {shown(each.other, each.unit)})")
    if not found:
        context.console.note(f"no differences from {against}")
    return EXIT_DONE


def export_settings(context: Context, path: Path | None) -> int:
    """Writes the device's settings as documented TOML, to a file or to stdout."""
    with _connected(context) as connection:
        snapshot = read_settings(connection.client)
        schema = read_schema(connection.client)
        document = fetch_document(connection.client, CONFIG_DOCUMENT)
    text = document.decode()
    exported = schema.check(flatten_table(tomllib.loads(text), Path(CONFIG_DOCUMENT)))
    if differences(snapshot.values, exported, schema):
        raise LinkError("the settings were changed while they were exported; run it again")
    if path is not None:
        _write(path, document)
        context.console.note(f"the settings of {connection.device.serial} are in {path}")
    elif not context.as_json:
        context.console.result(text.rstrip("\n"))
    if context.as_json:
        file = None if path is None else str(path)
        facts: dict[str, Any] = {"device": connection.device.serial, "revision": snapshot.revision, "file": file}
        context.console.result_json(facts | {"values": whole(snapshot.values, schema)})
    return EXIT_DONE


def _change(context: Context, make: Wanted, dry_run: bool) -> int:
    with _connected(context) as connection:
        snapshot = read_settings(connection.client)
        schema = read_schema(connection.client)
        wanted = make(schema, snapshot.values)
        schema.check_whole(wanted)
        if dry_run:
            applied = Applied(tuple(differences(snapshot.values, wanted, schema)), snapshot.revision, restart=False)
        else:
            applied = make_so(connection.client, schema, snapshot, wanted)
    _show_applied(context, connection.device.serial, applied, dry_run)
    return EXIT_DONE


def _show_applied(context: Context, serial: str, applied: Applied, dry_run: bool) -> None:
    if context.as_json:
        facts = {"device": serial, "dry_run": dry_run, "revision": applied.revision, "restart": applied.restart}
        context.console.result_json(facts | {"changes": _rows(list(applied.changed), "after")})
    else:
        for each in applied.changed:
            context.console.result(f"{each.key}: {shown(each.device, each.unit)} -> {shown(each.other, each.unit)}")
    if not applied.changed:
        context.console.note("nothing to change: the device has these settings")
    elif dry_run:
        context.console.note(
            f"{plural(len(applied.changed), 'setting')} of {serial} would change; nothing was changed (--dry-run)"
        )
    else:
        later = "; in effect when the bedside program is started anew" if applied.restart else ""
        context.console.note(f"{plural(len(applied.changed), 'setting')} of {serial} changed and read back{later}")
    if any(each.key.startswith(LINK_SECTION) for each in applied.changed):
        context.console.warning(
            "the link itself changes: from its next start on, the device may be reached at another port or rate, or not at all"
        )


def _write(path: Path, document: bytes) -> None:
    try:
        replace_atomically(path, document)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def _rows(found: list[Difference], other: str) -> list[dict[str, Any]]:
    before = "device" if other == "other" else "before"
    return [{"key": each.key, before: each.device, other: each.other, "unit": each.unit} for each in found]


def _schema_if_allowed(connection: Connection) -> Schema | None:
    """The schema; None for a host that may look at values only."""
    try:
        return read_schema(connection.client)
    except AnswerError as error:
        if error.code == Code.FORBIDDEN:
            return None
        raise


def _bare_schema(values: Mapping[str, Setting]) -> Schema:
    """Stands in for the schema where only values may be read: the keys that the device has now."""
    return Schema(Entry(key, "string", "", "", "", None, None, (), required=False) for key in values)


@contextmanager
def _connected(context: Context) -> Iterator[Connection]:
    connection = connect_device(context)
    try:
        yield connection
    finally:
        connection.close()
