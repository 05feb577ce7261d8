"""Who may talk to the review server: the browser that was given this launch's token, on this machine, from the page itself."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
TOKEN_PARAMETER = "token"  # noqa: S105 - the name of the parameter, not a secret
TOKEN_BYTES = 32
SAFE_METHODS = ("GET", "HEAD")
OWN_FETCH_SITES = ("same-origin", "none")
"""Values of Sec-Fetch-Site (Fetch Metadata, W3C) of the page's own requests and of an address that a person opened.

"same-site" is refused: every port of localhost is the same site.
"""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of the server: its port and its token (kept out of ``repr``, which may end in a log)."""

    port: int
    token: str

    def __repr__(self) -> str:
        return f"Launch(port={self.port})"

    @classmethod
    def on(cls, port: int) -> "Launch":
        """A launch with a fresh token of 256 random bits."""
        return cls(port, secrets.token_urlsafe(TOKEN_BYTES))

    @property
    def cookie(self) -> str:
        """The cookie's name; it holds the port because cookies are shared between the ports of a host."""
        return f"barbotage-{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What the Host header may say. Anything else is a name that was made to point here (DNS rebinding)."""
        return (f"{LOOPBACK}:{self.port}", f"localhost:{self.port}")

    @property
    def origins(self) -> tuple[str, ...]:
        """What the Origin header may say."""
        return tuple(f"http://{host}" for host in self.hosts)

    def url(self, path: str = "/") -> str:
        """The address to open, with the token."""
        return f"http://{LOOPBACK}:{self.port}{path}?{urlencode({TOKEN_PARAMETER: self.token})}"

    def knows(self, token: str | None) -> bool:
        """Whether ``token`` is this launch's; takes the same time for every wrong one."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())


class Guard:
    """ASGI middleware that lets only the page of this launch through, and adds the protective headers to every answer."""

    def __init__(self, app: ASGIApp, launch: Launch) -> None:
        self._app = app
        self._launch = launch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = refusal(self._launch, scope) or self._greeting(scope)
        await (answer or self._app)(scope, receive, _protected(send))

    def _greeting(self, scope: Scope) -> Response | None:
        """The redirect that turns the token in the address into a cookie; None for a request that has the cookie."""
        pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        token = next((value for name, value in pairs if name == TOKEN_PARAMETER), None)
        if token is None:
            return None
        rest = urlencode([pair for pair in pairs if pair[0] != TOKEN_PARAMETER])
        # A path of two slashes would be read as another host.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303, headers={"cache-control": "no-store"})
        answer.set_cookie(self._launch.cookie, self._launch.token, httponly=True, samesite="strict", path="/")
        return answer


def refusal(launch: Launch, scope: Scope) -> Response | None:
    """The answer that refuses a request, None when it may pass.

    403 for a foreign Host, Origin or Sec-Fetch-Site and for changes without an Origin; 401 without this launch's token.
    """
    headers = Headers(scope=scope)
    if headers.getlist("host") not in [[host] for host in launch.hosts]:
        return _refused(403, "forbidden", "this server answers only to its own address on this machine")
    origin = headers.get("origin")
    if origin not in launch.origins and not (origin is None and scope["method"] in SAFE_METHODS):
        return _refused(403, "forbidden", "this request does not come from the review page")
    if headers.get("sec-fetch-site", "none") not in OWN_FETCH_SITES:
        return _refused(403, "forbidden", "another page asked for this; open the address that barbotage review printed yourself")
    if not any(launch.knows(token) for token in _tokens(launch, scope, headers)):
        return _refused(401, "no-token", "open the address that barbotage review printed: it holds the key of this launch")
    return None


def _tokens(launch: Launch, scope: Scope, headers: Headers) -> Iterable[str]:
    """Every token that a request shows: in the address (only to look), or in the cookie."""
    if scope["method"] in SAFE_METHODS:
        pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"))
        in_address = [value for name, value in pairs if name == TOKEN_PARAMETER]
        if in_address:
            return in_address
    return _cookies(headers, launch.cookie)


def _cookies(headers: Headers, name: str) -> list[str]:
    found = []
    for line in headers.getlist("cookie"):
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(line)
        except CookieError:
            continue
        if name in jar:
            found.append(jar[name].value)
    return found


def _refused(status: int, code: str, words: str) -> Response:
    return JSONResponse({"error": words, "code": code}, status, {"cache-control": "no-store"})


def _protected(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
