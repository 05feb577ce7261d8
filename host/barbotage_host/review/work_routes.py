"""The routes of long work and of exports: jobs, re-runs, videos, pictures, tables."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from barbotage_device.bedside.texts import Language
from barbotage_device.errors import InvalidInputError
from barbotage_host.review.answers import chosen, flag, small_body, whole
from barbotage_host.review.library import Library
from barbotage_host.review.rerun_store import read_differences, read_overlay
from barbotage_host.review.tables import csv_text, jsonl_text, rows
from barbotage_host.review.texts import language_of
from barbotage_host.review.work import Clip, Work

FORMS = {"csv": (csv_text, "text/csv"), "jsonl": (jsonl_text, "application/jsonl")}


def work_routes(library: Library, work: Work) -> list[BaseRoute]:
    """All of them."""
    return [*_job_routes(work), *_rerun_routes(work), *_export_routes(library, work)]


def _job_routes(work: Work) -> list[BaseRoute]:
    def job(request: Request) -> Response:
        found = work.jobs.find(request.path_params["job"])
        if request.method == "DELETE":
            found.cancel()
        return JSONResponse(found.record())

    return [Route("/api/jobs/{job}", job, methods=["GET", "DELETE"])]


def _rerun_routes(work: Work) -> list[BaseRoute]:
    def start(request: Request) -> Response:
        return JSONResponse({"job": work.rerun(request.path_params["session"]).identity}, 202)

    def overlays(request: Request) -> Response:
        folder = work.rerun_folder(request.path_params["session"])
        return JSONResponse(read_overlay(folder, whole(request, "from"), whole(request, "count", 1)))

    def differences(request: Request) -> Response:
        return Response(read_differences(work.rerun_folder(request.path_params["session"])), media_type="application/json")

    return [
        Route("/api/sessions/{session}/rerun", start, methods=["POST"]),
        Route("/api/sessions/{session}/rerun/overlay", overlays),
        Route("/api/sessions/{session}/rerun/differences", differences),
    ]


def _export_routes(library: Library, work: Work) -> list[BaseRoute]:
    async def video(request: Request) -> Response:
        clip = _clip(await small_body(request))
        job = await run_in_threadpool(work.video, request.path_params["session"], clip)
        return JSONResponse({"job": job.identity}, 202)

    def picture(request: Request) -> Response:
        from barbotage_device.capture.session_source import recorded_frame
        from barbotage_host.review.pictures import overlay_png, png

        identity, number = request.path_params["session"], whole(request, "frame")
        language = language_of(chosen(request, "language", tuple(Language)))
        with library.opened(identity) as opened:
            if flag(request, "overlay"):
                content = overlay_png(opened.reader, opened.index, number, language)
            else:
                content = png(recorded_frame(opened.reader, number).pixels)
        return Response(content, media_type="image/png", headers=_attached(f"{identity}-{number}.png"))

    def table(request: Request) -> Response:
        identity, form = request.path_params["session"], request.path_params["form"]
        if form not in FORMS:
            raise InvalidInputError(f"no table as {form!r}; use {' or '.join(FORMS)}")
        text, media_type = FORMS[form]
        with library.opened(identity) as opened:
            table = rows(
                opened.index, opened.curves(), opened.pod()
            )  # needs no file any more: it may stream on when the session is closed
        return StreamingResponse(text(table), media_type=media_type, headers=_attached(f"{identity}-series.{form}"))

    def export(request: Request) -> Response:
        path = work.export(f"{request.path_params['folder']}/{request.path_params['name']}")
        return FileResponse(path, filename=path.name)

    return [
        Route("/api/sessions/{session}/export", video, methods=["POST"]),
        Route("/api/sessions/{session}/export/frame/{frame}.png", picture),
        Route("/api/sessions/{session}/export/series.{form}", table),
        Route("/api/exports/{folder}/{name}", export),
    ]


def _clip(body: object) -> Clip:
    """What to make a video of: ``{"kind": "video", "from", "to", "overlay"?: true, "language"?: "en"}``."""
    asked = body if isinstance(body, dict) else {}
    unknown = set(asked) - {"kind", "from", "to", "overlay", "language"}
    first, end, with_overlay = asked.get("from"), asked.get("to"), asked.get("overlay", True)
    wholes = all(isinstance(value, int) and not isinstance(value, bool) for value in (first, end))
    if asked.get("kind") != "video" or unknown or not wholes or not isinstance(with_overlay, bool):
        raise InvalidInputError('ask for {"kind": "video", "from": frame, "to": frame after the last, "overlay": true or false}')
    return Clip(asked["from"], asked["to"], with_overlay, language_of(str(asked.get("language", Language.EN.value))))


def _attached(name: str) -> dict[str, str]:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    return {"content-disposition": f'attachment; filename="{plain}"'}
