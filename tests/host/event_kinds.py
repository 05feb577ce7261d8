"""Every kind of event that the device's code can write, read from its source: constants where an event is told, and the procedure's tables."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import barbotage_device
from barbotage_device.procedure.events import PHASE, REFUSED, EventKind

DEVICE = Path(barbotage_device.__file__).parent
TELLING = {"Happening"}
"""What makes an event of its first argument, whatever that is."""
METHODS = {"happened", "operator", "event", "heard", "_heard"}
"""What tells an event where the first argument is a text."""
HANDED_ON = {"record.kind", "kind"}
"""The kinds of a procedure's records, and a parameter that hands a kind on."""


def written_kinds() -> set[str]:
    """All kinds. Raises AssertionError for a place where a kind cannot be told."""
    found = {kind.value for kind in EventKind} | {PHASE, REFUSED} | _stopped()
    for path in sorted(DEVICE.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            found |= _kinds_of(call.args[0], import_module(_module_name(path)))
    return found


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(DEVICE.parent).with_suffix("").parts)


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that tell an event."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name in TELLING or (name in METHODS and isinstance(called, ast.Attribute) and _is_text(node.args[0])):
            yield node


def _is_text(argument: ast.expr) -> bool:
    match argument:
        case ast.IfExp(body=body, orelse=other):
            return _is_text(body) and _is_text(other)
        case ast.Constant(value=str()):
            return True
    return False


def _kinds_of(argument: ast.expr, module: ModuleType) -> set[str]:
    match argument:
        case ast.Constant(value=str(kind)):
            return {kind}
        case ast.IfExp(body=body, orelse=other):
            return _kinds_of(body, module) | _kinds_of(other, module)
        case ast.Name(id=name) if isinstance(constant := getattr(module, name, None), str):
            return {constant}
    where = f"{module.__name__}:{argument.lineno}"
    assert ast.unparse(argument) in HANDED_ON, f"{where}: which kind is {ast.unparse(argument)}?"
    return set()


def _stopped() -> set[str]:
    """What the recorder itself writes at its end: tuples (kind, time, doer, value) that it adds to its batch."""
    tree = ast.parse((DEVICE / "session" / "recorder.py").read_text(encoding="utf-8"))
    tuples = [node for node in ast.walk(tree) if isinstance(node, ast.Tuple) and len(node.elts) == 4]
    kinds = {one.elts[0].value for one in tuples if isinstance(one.elts[0], ast.Constant)}
    assert kinds, "the recorder is expected to say itself why it stopped"
    return {kind for kind in kinds if isinstance(kind, str)}
