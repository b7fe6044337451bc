"""`web`: the web process, its settings and the start of its server."""

from collections.abc import Callable
from pathlib import Path

from diagnostics import logs
from handlers.params_file import read_params
from handlers.settings import PREFIX, WebSettings
from handlers.web.app import WebError, application, is_loopback, listening, server
from handlers.web.reading import Readings


def serve(
    db: Path | None,
    params: Path | None,
    host: str,
    port: int,
    now_ms: Callable[[], int],
    say: Callable[[str], None],
) -> None:
    """Answer until stopped, after having told with `say` where; WebError or SettingsError where that cannot be begun."""
    settings = WebSettings.read(db=db, params=params)
    if settings.web_token is None and not is_loopback(host):
        raise WebError(f"{host} is not this machine alone: set {PREFIX}WEB_TOKEN, or leave --host out.")
    readings = Readings(settings.db, read_params(settings.params), now_ms)
    logs.set_up(None, [] if settings.web_token is None else [settings.web_token.get_secret_value()])
    with listening(host, port) as door:
        where = f"[{host}]" if ":" in host else host
        say(f"onebook: http://{where}:{door.getsockname()[1]}/healthz and /metrics answer from {settings.db}")
        app = application(readings, settings.web_token, is_loopback=is_loopback(host))
        server(app).run(sockets=[door])
