"""The table of methods that an end serves, and who may call them."""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.errors import BarbotageError
from barbotage_device.link.errors import CallError, Code
from barbotage_device.link.messages import Request, Response
from barbotage_device.link.roles import Role
from barbotage_device.link.values import Values


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: role, static key (empty when not paired) and the name given at pairing."""

    role: Role
    key: bytes = b""
    name: str = ""


Handler = Callable[[Values, Caller], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method and the least role that may call it."""

    role: Role
    handle: Handler


class Methods:
    """Answers requests from a table of methods."""

    def __init__(self, table: Mapping[str, Method] | None = None) -> None:
        self._table = dict(table or {})
        self.on_error: Callable[[str], None] = lambda _: None
        """Gets what went wrong at this end, not what a request did wrong."""

    def add(self, table: Mapping[str, Method]) -> None:
        """Serves more methods. Raises ValueError when one is there already."""
        twice = self._table.keys() & table.keys()
        if twice:
            raise ValueError(f"served twice: {', '.join(sorted(twice))}")
        self._table.update(table)

    def answer(self, request: Request, caller: Caller) -> Response:
        """The answer; errors that serving raised on purpose become error answers."""
        method = self._table.get(request.method)
        if method is None:
            return Response(
                request.id, Code.UNKNOWN_METHOD, text=f"method '{request.method[:40]}' is not known here; update this end"
            )
        if caller.role < method.role:
            if caller.role is Role.NOBODY:
                return Response(request.id, Code.NOT_PAIRED, text=f"{request.method} needs a paired host; run 'barbotage pair'")
            text = f"{request.method} needs the role {method.role.word}, this host has {caller.role.word}"
            return Response(request.id, Code.FORBIDDEN, text=text)
        try:
            return Response(request.id, 0, dict(method.handle(Values(request.params, request.method), caller)))
        except CallError as error:
            return Response(request.id, error.code, text=str(error))
        except OSError as error:
            code = Code.NO_SPACE if error.errno == errno.ENOSPC else Code.INPUT_OUTPUT
            self.on_error(f"{request.method}: {error}")
            return Response(request.id, code, text=f"{request.method}: {error.strerror or error}")
        except BarbotageError as error:  # a damaged session, an unreadable configuration: the link goes on
            self.on_error(f"{request.method}: {error}")
            return Response(request.id, Code.INPUT_OUTPUT, text=str(error))
