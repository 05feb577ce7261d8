"""The review server's routes: pages, sessions, frames, curves, overlays. Handlers run in threads; the event loop only moves bytes."""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from barbotage_device.bedside.texts import Language
from barbotage_device.errors import BarbotageError, InvalidInputError, NotFoundError
from barbotage_device.session.flags import mark
from barbotage_device.session.recovery import recover
from barbotage_host.review.answers import IMMUTABLE, error_answer, floats, http_answer, small_body, whole
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.library import Library
from barbotage_host.review.overlay import frame_range, overlay
from barbotage_host.review.overview import details, row
from barbotage_host.review.review_routes import review_routes
from barbotage_host.review.security import Guard, Launch
from barbotage_host.review.series import FRAMES_AXIS, POD_AXIS
from barbotage_host.review.texts import catalogue, language_of
from barbotage_host.review.thumbnails import Thumbnails
from barbotage_host.review.work import Work
from barbotage_host.review.work_routes import work_routes

CHUNK_FRAMES = 60
STATIC = "static"


class Review:
    """What one launch of the server works with: the sessions, the long work, the preferred language."""

    def __init__(self, library: Library, scratch: Path, language: Language | None = None) -> None:
        self.library = library
        self.language = language
        self.thumbnails = Thumbnails(library)
        self.work = Work(library, scratch)

    def close(self) -> None:
        """Ends the long work and closes the sessions."""
        self.work.close()
        self.library.close()


def make_app(review: Review, launch: Launch) -> Starlette:
    """The whole application, guarded for this launch."""
    handlers = {BarbotageError: error_answer, OSError: error_answer, HTTPException: http_answer, Exception: error_answer}
    routes = [
        *_pages(review),
        *_session_routes(review),
        *review_routes(review.library),
        *work_routes(review.library, review.work),
    ]
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(Guard, launch=launch)])


def _pages(review: Review) -> list[BaseRoute]:
    static = Path(str(files("barbotage_host.review").joinpath(STATIC)))

    def page(name: str) -> FileResponse:
        return FileResponse(static / name, headers={"cache-control": "no-cache"})

    def index(request: Request) -> Response:
        del request
        return page("index.html")

    def player(request: Request) -> Response:
        review.library.path(request.path_params["session"])
        return page("session.html")

    def icon(request: Request) -> Response:
        del request
        return page("favicon.svg")

    def texts(request: Request) -> Response:
        return JSONResponse(catalogue(language_of(request.path_params["language"])))

    def launch(request: Request) -> Response:
        del request
        chosen = None if review.language is None else review.language.value
        return JSONResponse(
            {
                "version": version("barbotage"),
                "language": chosen,
                "root": str(review.library.root),
                "session": review.library.only(),
            }
        )

    return [
        Route("/", index),
        Route("/session/{session}", player),
        Route("/favicon.ico", icon),
        Route("/api/texts/{language}", texts),
        Route("/api/launch", launch),
        Mount("/static", _Static(directory=static)),
    ]


class _Static(StaticFiles):
    """The page's files; the browser asks each time whether they changed (an update must not mix old and new modules)."""

    def file_response(self, *args: object, **options: object) -> Response:
        """A file that may be kept but must be asked for."""
        answer = super().file_response(*args, **options)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "no-cache"
        return answer


def _session_routes(review: Review) -> list[BaseRoute]:
    library = review.library

    def sessions(request: Request) -> Response:
        del request
        return JSONResponse([row(entry) for entry in library.entries()])

    def session(request: Request) -> Response:
        identity = request.path_params["session"]
        with library.opened(identity) as opened:
            return JSONResponse(details(opened, identity, library.find))

    def low_confidence(request: Request) -> Response:
        with library.opened(request.path_params["session"]) as opened:
            return JSONResponse(list(opened.curves().low_confidence))

    def recovered(request: Request) -> Response:
        report = recover(library.path(request.path_params["session"]))
        return JSONResponse({"changed": report.changed, "lost": list(report.lost), "rewritten": list(report.rewritten)})

    async def marked(request: Request) -> Response:
        body = await small_body(request)
        wanted = body.get("marked") if isinstance(body, dict) else None
        if not isinstance(wanted, bool):
            raise InvalidInputError('say {"marked": true} or {"marked": false}')
        path = await run_in_threadpool(library.path, request.path_params["session"])
        await run_in_threadpool(mark, path, wanted)
        return JSONResponse({"marked": wanted})

    def small(request: Request) -> Response:
        picture = review.thumbnails.of(request.path_params["session"])
        return Response(picture, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return [
        Route("/api/sessions", sessions),
        Route("/api/sessions/{session}", session),
        Route("/api/sessions/{session}/low-confidence", low_confidence),
        Route("/api/sessions/{session}/recover", recovered, methods=["POST"]),
        Route("/api/sessions/{session}/mark", marked, methods=["POST"]),
        Route("/api/sessions/{session}/thumbnail", small),
        *_frame_routes(library),
        *_curve_routes(library),
    ]


def _frame_routes(library: Library) -> list[BaseRoute]:
    def frame(request: Request) -> Response:
        number = whole(request, "frame")
        with library.opened(request.path_params["session"]) as opened:
            recorded = opened.reader.frame(_existing(opened.index, number))
        return Response(recorded.data, media_type=f"image/{recorded.image_format}", headers=IMMUTABLE)

    def frames(request: Request) -> Response:
        first, count = whole(request, "from"), whole(request, "count", 1)
        with library.opened(request.path_params["session"]) as opened:
            wanted = frame_range(len(opened.index), first, count, CHUNK_FRAMES)
            pictures = [opened.reader.frame(number).data for number in wanted]
        content = b"".join(part for data in pictures for part in (len(data).to_bytes(4, "little"), data))
        return Response(content, media_type="application/octet-stream", headers=IMMUTABLE)

    def overlays(request: Request) -> Response:
        first, count = whole(request, "from"), whole(request, "count", 1)
        with library.opened(request.path_params["session"]) as opened:
            return JSONResponse(overlay(opened.reader, opened.index, first, count), headers=IMMUTABLE)

    return [
        Route("/api/sessions/{session}/frames/{frame}", frame),
        Route("/api/sessions/{session}/frames", frames),
        Route("/api/sessions/{session}/overlay", overlays),
    ]


def _curve_routes(library: Library) -> list[BaseRoute]:
    def axis(request: Request) -> Response:
        name = request.path_params["axis"]
        with library.opened(request.path_params["session"]) as opened:
            if name == FRAMES_AXIS:
                return floats(opened.index.axis_s(), "<f8")
            if name == POD_AXIS:
                return floats(opened.pod().axis_s, "<f8")
        raise NotFoundError(f"no axis {name!r}; there are {FRAMES_AXIS} and {POD_AXIS}")

    def one(request: Request) -> Response:
        with library.opened(request.path_params["session"]) as opened:
            return floats(opened.column(request.path_params["name"]), "<f4")

    def several(request: Request) -> Response:
        names = [name for name in request.query_params.get("names", "").split(",") if name]
        with library.opened(request.path_params["session"]) as opened:
            columns = [opened.column(name).astype("<f4", copy=False).tobytes() for name in names]
        return Response(b"".join(columns), media_type="application/octet-stream")

    return [
        Route("/api/sessions/{session}/axis/{axis}", axis),
        Route("/api/sessions/{session}/series", several),
        Route("/api/sessions/{session}/series/{name}", one),
    ]


def _existing(index: FrameIndex, number: int) -> int:
    if number >= len(index):
        raise NotFoundError(f"frame {number} does not exist; this session has {len(index)} frames, counted from 0")
    return number
