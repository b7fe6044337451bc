"""The questions of the web process: `/healthz` and `/metrics`, and how they are served."""

import socket

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from diagnostics.checks import Status
from handlers.cli_health import health_document
from handlers.web.guard import LOOPBACK_NAMES, Guard, Rules
from handlers.web.metrics import CONTENT_TYPE, exposition
from handlers.web.reading import Readings

HEALTH, METRICS = "/healthz", "/metrics"
UNWELL = 503
MOST_CONNECTIONS = 32
MOST_HEADER_BYTES = 8_192
KEEP_ALIVE_S = 5
STOP_WITHIN_S = 5


class WebError(ValueError):
    """A web process that cannot be started; the message is one sentence for a person."""


def application(readings: Readings, token: SecretStr | None, *, is_loopback: bool) -> Guard:
    """The web process over a book; on loopback `/healthz` needs no token, the rest does if there is one."""

    async def health(request: Request) -> Response:
        found = (await readings.newest()).health
        return JSONResponse(health_document(found), UNWELL if found.status is Status.FAIL else 200)

    async def metrics(request: Request) -> Response:
        return Response(exposition(await readings.newest()), media_type=CONTENT_TYPE)

    questions = Starlette(routes=[Route(HEALTH, health), Route(METRICS, metrics)])
    open_paths = frozenset({HEALTH}) if is_loopback else frozenset[str]()
    return Guard(questions, Rules(is_loopback, token, open_paths))


def is_loopback(host: str) -> bool:
    return host in LOOPBACK_NAMES


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there, on a free port for 0; WebError where it cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise WebError(f"{host} port {port} cannot be listened on: {reason}.") from error


def server(app: Guard) -> uvicorn.Server:
    """What serves it: bounded in connections and headers, silent about each request and about itself."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
    )
