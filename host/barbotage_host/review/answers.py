"""From requests to values and from values and errors to answers, for all routes of the review server."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from barbotage_device.errors import BarbotageError, InvalidInputError, NotFoundError, RefusedError
from barbotage_device.session.errors import SessionError

BODY_MAX_BYTES = 10_000
IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}
"""For what can never change: a frame of a closed session under its id."""
STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFoundError, 404, "not-found"),
    (InvalidInputError, 422, "invalid"),
    (RefusedError, 409, "refused"),
    (SessionError, 409, "session"),
    (FileNotFoundError, 404, "not-found"),
    (OSError, 500, "storage"),
    (BarbotageError, 500, "failed"),
)
"""The first that fits counts."""


async def error_answer(request: Request, error: Exception) -> Response:
    """``{"error": words, "code": kind}`` with the status of the error's kind."""
    del request
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            return problem(status, code, str(error))
    return problem(500, "failed", f"{type(error).__name__}: {error}")


async def http_answer(request: Request, error: Exception) -> Response:
    """The same for what Starlette itself refuses (no such route, wrong method)."""
    status = getattr(error, "status_code", 500)
    code = {404: "not-found", 405: "wrong-method"}.get(status, "failed")
    return problem(status, code, f"{request.method} {request.url.path}: {getattr(error, 'detail', error)}")


def problem(status: int, code: str, words: str, **more: Any) -> Response:
    """An error as the page gets it."""
    return JSONResponse({"error": " ".join(words.split()), "code": code, **more}, status)


def floats(values: npt.NDArray[np.floating[Any]], form: str) -> Response:
    """Numbers as bytes in numpy's form (``<f4``, ``<f8``): little-endian whatever this machine is."""
    return Response(values.astype(form, copy=False).tobytes(), media_type="application/octet-stream")


def whole(request: Request, name: str, default: int | None = None) -> int:
    """A whole number of the address, from its path or its query. Raises InvalidInputError."""
    text = request.path_params.get(name, request.query_params.get(name))
    if text is None and default is not None:
        return default
    # str.isdigit takes other scripts' digits; a long text would be a number of unbounded size.
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InvalidInputError(f"{name} is {text!r}, not a whole number from 0; give {name}=N")
    return int(text)


def chosen(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """One of the choices, the first when the query does not say. Raises InvalidInputError."""
    text = request.query_params.get(name, choices[0])
    if text not in choices:
        raise InvalidInputError(f"{name} is {text!r}; use one of {', '.join(choices)}")
    return text


def flag(request: Request, name: str) -> bool:
    """Whether the query says 1 (or 0, or nothing). Raises InvalidInputError."""
    return chosen(request, name, ("0", "1")) == "1"


async def small_body(request: Request) -> Any:
    """The JSON value of a short request. Raises InvalidInputError."""
    parts = b""
    async for part in request.stream():
        parts += part
        if len(parts) > BODY_MAX_BYTES:
            raise InvalidInputError(f"the request has more than {BODY_MAX_BYTES} bytes")
    try:
        return json.loads(parts)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the request is not JSON ({error})") from error
