"""What stands before every question to the web process: who may ask, how much, and what goes with every answer."""

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
METHODS = ("GET", "HEAD")
BEARER = "bearer"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may ask: whoever has the `token`, if there is one; without it what is asked at `open_paths`.

    On loopback the question must be addressed to loopback by name, or a page in somebody's browser could have its own
    name lead here and read the answers.
    """

    is_loopback: bool
    token: SecretStr | None
    open_paths: frozenset[str]

    def refusal(self, request: Request) -> Response | None:
        """Why a request is not answered, None when it is."""
        if self.is_loopback and _host_of(request) not in LOOPBACK_NAMES:
            return _refused(421, "ask for localhost")
        if request.method not in METHODS:
            return _refused(405, "there is nothing to change here", Allow=", ".join(METHODS))
        if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
            return _refused(413, "a question has no body here")
        if self.token is not None and request.url.path not in self.open_paths and not self._knows_token(request):
            return _refused(401, "the token is missing or wrong", **{"WWW-Authenticate": "Bearer"})
        return None

    def _knows_token(self, request: Request) -> bool:
        assert self.token is not None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.encode(), self.token.get_secret_value().encode())
        return is_right and scheme.lower() == BEARER


class Guard:
    """Refuses by the rules, and puts the security headers on every answer, refusals and errors too."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._rules.refusal(Request(scope)) or self._app
        await answer(scope, receive, with_headers)


def _host_of(request: Request) -> str | None:
    """The name a request is addressed to, without its port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None


def _refused(status: int, why: str, **headers: str) -> Response:
    return JSONResponse({"error": why}, status, headers)
