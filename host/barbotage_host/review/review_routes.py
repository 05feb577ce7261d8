"""The routes of the reviewers' documents: each reviewer's own file, read and stored with a check of its revision."""

import json
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from barbotage_device.errors import InvalidInputError
from barbotage_host.review.answers import problem
from barbotage_host.review.library import Library
from barbotage_host.review.reviews import Review, checked_reviewer, document, parse_review
from barbotage_host.review.sidecars import SIDECAR_MAX_BYTES, Sidecar, StaleRevisionError, list_reviews, load, save

REVISION = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def review_routes(library: Library) -> list[BaseRoute]:
    """Reviews, measures, agreement."""

    def reviews(request: Request) -> Response:
        path = library.path(request.path_params["session"])
        return JSONResponse([_listed(each) for each in list_reviews(path)])

    def review(request: Request) -> Response:
        identity = request.path_params["session"]
        reviewer = checked_reviewer(request.path_params["reviewer"])
        with library.opened(identity) as opened:
            found = load(opened.path, reviewer) or Review(opened.reader.manifest.id, reviewer)
        return JSONResponse(document(found), headers={"etag": f'"{found.revision}"'})

    async def store(request: Request) -> Response:
        if request.method != "PUT":
            return await run_in_threadpool(review, request)
        revision = REVISION.fullmatch(request.headers.get("if-match", ""))
        if revision is None:
            return problem(428, "no-revision", "say in If-Match which revision this replaces (0 for the first)")
        body = await _body(request)
        return await run_in_threadpool(_stored, library, request, body, int(revision[1]))

    def measures(request: Request) -> Response:
        from barbotage_host.review.measure_report import measures_document

        with library.opened(request.path_params["session"]) as opened:
            return JSONResponse(measures_document(opened.reader, request.query_params.get("reviewer")))

    def agreement(request: Request) -> Response:
        from barbotage_host.review.agreement import agreement_document

        first, second = (checked_reviewer(request.query_params.get(name, "")) for name in ("first", "second"))
        with library.opened(request.path_params["session"]) as opened:
            return JSONResponse(agreement_document(opened.reader, first, second))

    return [
        Route("/api/sessions/{session}/reviews", reviews),
        Route("/api/sessions/{session}/reviews/{reviewer}", store, methods=["GET", "PUT"]),
        Route("/api/sessions/{session}/measures", measures),
        Route("/api/sessions/{session}/agreement", agreement),
    ]


async def _body(request: Request) -> bytes:
    """The request's body. Raises InvalidInputError when it is larger than any review."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > SIDECAR_MAX_BYTES:
            raise InvalidInputError(f"the review has more than {SIDECAR_MAX_BYTES} bytes; it was not stored")
        parts.append(part)
    return b"".join(parts)


def _stored(library: Library, request: Request, body: bytes, revision: int) -> Response:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the review is not JSON ({error}); it was not stored") from error
    wanted = parse_review(raw)
    reviewer = checked_reviewer(request.path_params["reviewer"])
    with library.opened(request.path_params["session"]) as opened:
        if wanted.session != opened.reader.manifest.id:
            raise InvalidInputError(f"the review is of session {wanted.session!r}, not of {opened.reader.manifest.id!r}")
        if wanted.reviewer != reviewer:
            raise InvalidInputError(f"the review is of {wanted.reviewer!r}, not of {reviewer!r}")
        try:
            saved = save(opened.path, wanted, revision)
        except StaleRevisionError as error:
            return problem(409, "stale-revision", str(error), revision=error.revision)
    return JSONResponse(document(saved), headers={"etag": f'"{saved.revision}"'})


def _listed(sidecar: Sidecar) -> dict[str, object]:
    if sidecar.review is None:
        return {"reviewer": sidecar.reviewer, "problem": sidecar.problem}
    return document(sidecar.review)
