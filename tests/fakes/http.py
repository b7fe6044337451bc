"""A small HTTP server on loopback for the fakes: keep-alive, forms, and scripted misbehaviour over a real socket."""

import asyncio
import contextlib
import json
import threading
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, unquote, urlsplit

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in a form."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def form(self) -> dict[str, str | Upload]:
        """The fields of a JSON, urlencoded or multipart body; nested JSON values stay text, as Telegram gets them."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return dict(_multipart(kind, self.body))
        if kind.startswith("application/json"):
            fields = json.loads(self.body or b"{}")
            return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this instead of doing what was asked."""

    response: Response


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the line: before anything is done, or after it is done and before it is answered."""

    after_acceptance: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing for `seconds`, then cut the line; what was asked is done when `after_acceptance`."""

    seconds: float
    after_acceptance: bool = False


@dataclass(frozen=True, slots=True)
class AllWell:
    """Nothing goes wrong this time."""


ALL_WELL = AllWell()

Fault = Refuse | Drop | Hang | AllWell
Answer = Callable[[Request], Awaitable[Response]]


def json_response(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(answer, ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


class Faults:
    """What goes wrong next, per operation; each scripted fault happens once, in the order it was scripted."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def script(self, operation: str, *faults: Fault) -> None:
        self._waiting[operation].extend(faults)

    async def around(
        self,
        operation: str,
        act: Callable[[], Awaitable[Response]],
        unscripted: Callable[[], Fault | None] = lambda: None,
    ) -> Response:
        """The answer of `act`, or what the next fault makes of it; ConnectionAbortedError cuts the line."""
        waiting = self._waiting[operation]
        fault = waiting.popleft() if waiting else unscripted()
        match fault:
            case None | AllWell():
                return await act()
            case Refuse(response):
                return response
            case Drop(after_acceptance):
                if after_acceptance:
                    await act()
            case Hang(seconds, after_acceptance):
                if after_acceptance:
                    await act()
                await asyncio.sleep(seconds)
        raise ConnectionAbortedError(operation)


async def listen(answer: Answer, port: int = 0) -> asyncio.Server:
    """A listening server; port 0 takes a free one, see `port_of`."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                await _write(writer, await answer(request))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # cancelled by `_stop` alone, which has nobody left to tell
        finally:
            writer.close()

    return await asyncio.start_server(converse, HOST, port)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@contextlib.contextmanager
def running(answer: Answer) -> Iterator[str]:
    """The server in a thread of its own, for as long as the block lasts; gives its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(answer), loop).result()
    try:
        yield f"http://{HOST}:{port_of(server)}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def serve_forever(answer: Answer, port: int) -> None:
    """For a process of its own: prints the port it took as its first line, then serves until it is killed."""
    server = await listen(answer, port)
    print(port_of(server), flush=True)
    async with server:
        await server.serve_forever()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    conversations = asyncio.all_tasks() - {asyncio.current_task()}
    for conversation in conversations:
        conversation.cancel()
    await asyncio.gather(*conversations, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, None when the other side has hung up."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    return Request(method, unquote(url.path), dict(parse_qsl(url.query, keep_blank_values=True)), headers, body)


async def _write(writer: asyncio.StreamWriter, response: Response) -> None:
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {response.status} Fake\r\n{head}\r\n".encode() + response.body)
    await writer.drain()


def _multipart(kind: str, body: bytes) -> Iterator[tuple[str, str | Upload]]:
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    for part in parsed.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise ValueError(f"The form field {name} holds another form")
        filename = part.get_filename()
        yield name, Upload(filename, content) if filename else content.decode()
