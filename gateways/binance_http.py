"""Asking Binance politely: one weight budget, bounded retries, and every way it can refuse as one of our errors."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from random import random
from typing import Any
from urllib.parse import urlencode

import httpx

from engine.timeframes import MINUTE_MS
from gateways.certificates import known_certificates
from gateways.market import BadAnswer, Banned, ExchangeDown, MarketError, RateLimited, Restricted, UnknownSymbol

ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
BUDGET_SHARE_RATIO = 0.8  # of the weight per minute; the rest is for others at the same address
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
DEFAULT_WAIT_MS = MINUTE_MS  # after 429 without Retry-After
DEFAULT_BAN_MS = 2 * MINUTE_MS  # after 418 without Retry-After: the shortest ban there is

_SOURCE = "Binance"
_USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"
_INVALID_SYMBOL = (-1121, -1100)  # not listed, or spelled with characters no symbol has
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_MS_PER_SECOND = 1000

Sleep = Callable[[float], Awaitable[object]]
Query = Mapping[str, str | int]


def random_ratio() -> float:
    """A number in [0, 1) that spreads the retries of many programs."""
    return random()


@dataclass(frozen=True, slots=True)
class Host:
    """A base URL and the request weight it grants an address per minute."""

    base_url: str
    weight_per_minute: int


class WeightBudget:
    """What may still be asked in this minute; the exchange's own count corrects ours after every answer."""

    def __init__(self, weight_per_minute: int, now_ms: Callable[[], int], sleep: Sleep) -> None:
        self.limit = int(weight_per_minute * BUDGET_SHARE_RATIO)
        self._now_ms = now_ms
        self._sleep = sleep
        self._minute = 0
        self.used = 0

    async def spend(self, weight: int) -> None:
        """Returns when `weight` fits into the minute."""
        while not self._fits(weight):
            rest_ms = MINUTE_MS - self._now_ms() % MINUTE_MS
            await self._sleep(rest_ms / _MS_PER_SECOND)
        self.used += weight

    def learn(self, used: int) -> None:
        """The exchange has counted `used` in this minute, by everybody at this address."""
        self._turn()
        self.used = max(self.used, used)

    def _fits(self, weight: int) -> bool:
        self._turn()
        return self.used == 0 or self.used + weight <= self.limit

    def _turn(self) -> None:
        minute = self._now_ms() // MINUTE_MS
        if minute != self._minute:
            self._minute, self.used = minute, 0


class BinanceHttp:
    """GET and JSON from one host. Silent while blocked: no request leaves before `blocked_until_ms`."""

    def __init__(
        self,
        host: Host,
        now_ms: Callable[[], int],
        sleep: Sleep,
        jitter_ratio: Callable[[], float],
        blocked_until_ms: int = 0,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = host.base_url.rstrip("/")
        self._now_ms = now_ms
        self._sleep = sleep
        self._jitter_ratio = jitter_ratio
        self._answer_timeout_s = answer_timeout_s
        self._transport = transport
        self._client = self._new_client()
        self.budget = WeightBudget(host.weight_per_minute, now_ms, sleep)
        self.blocked_until_ms = blocked_until_ms
        self._banned = blocked_until_ms > 0  # whoever remembers a block over a restart remembers a ban

    async def aclose(self) -> None:
        await self._client.aclose()

    async def reconnect(self) -> None:
        """Go on over new connections; what is being asked over the old ones is cut and asked again."""
        old, self._client = self._client, self._new_client()
        await old.aclose()

    async def get(self, path: str, query: Query, weight: int) -> Any:
        """The parsed answer; raises a MarketError after at most ATTEMPTS tries with growing, jittered pauses."""
        failure: MarketError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * (1 + self._jitter_ratio()))
            await self.budget.spend(weight)
            self._refuse_while_blocked()
            try:
                return await self._once(path, query)
            except (ExchangeDown, BadAnswer) as error:
                failure = error
        if failure is None:
            raise ExchangeDown(f"{_SOURCE} was not asked.")
        raise failure

    async def _once(self, path: str, query: Query) -> Any:
        try:
            response = await self._client.send(self._request(path, query))
        except httpx.TimeoutException as error:
            raise ExchangeDown(
                f"{_SOURCE} ({self._host}) did not answer within {self._answer_timeout_s:g} s."
            ) from error
        except httpx.HTTPError as error:
            raise ExchangeDown(
                f"{_SOURCE} ({self._host}) cannot be reached: {error or type(error).__name__}."
            ) from error
        self.budget.learn(int(used) if (used := response.headers.get(_USED_WEIGHT, "")).isdigit() else 0)
        self._refuse_status(response)
        try:
            return response.json()
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(f"{_SOURCE} ({self._host}) answered with {_looks(response)} instead of data.") from error

    def _request(self, path: str, query: Query) -> httpx.Request:
        """Made by hand: out of path and query the client itself would read and write the same address three times over."""
        client = self._client
        extensions = {"timeout": client.timeout.as_dict()}
        url = f"{self._base_url}{path}?{urlencode(query)}"
        return httpx.Request("GET", url, headers=client.headers, extensions=extensions)

    def _new_client(self) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self._answer_timeout_s, connect=CONNECT_TIMEOUT_S)
        return httpx.AsyncClient(
            base_url=self._base_url, timeout=timeout, transport=self._transport, verify=known_certificates()
        )

    @property
    def _host(self) -> str:
        return self._client.base_url.host

    def _refuse_while_blocked(self) -> None:
        if self._now_ms() >= self.blocked_until_ms:
            return
        if self._banned:
            raise Banned(_SOURCE, self.blocked_until_ms)
        raise RateLimited(_SOURCE, self.blocked_until_ms)

    def _refuse_status(self, response: httpx.Response) -> None:
        match response.status_code:
            case 200:
                return
            case 429:
                self._block(response, DEFAULT_WAIT_MS, banned=False)
            case 418:
                self._block(response, DEFAULT_BAN_MS, banned=True)
            case 403:  # the firewall in front of the exchange: more requests would only confirm its opinion
                self._block(response, DEFAULT_BAN_MS, banned=True)
            case 451:
                raise Restricted(_SOURCE, self._host)
            case status if status >= 500:
                raise ExchangeDown(f"{_SOURCE} ({self._host}) answers with error {status}; it may be in maintenance.")
            case status:
                self._refuse_request(status, response)

    def _block(self, response: httpx.Response, default_ms: int, banned: bool) -> None:
        seconds = response.headers.get("Retry-After", "")
        wait_ms = int(seconds) * _MS_PER_SECOND if seconds.isdigit() else default_ms
        until_ms = self._now_ms() + wait_ms
        if told := _BANNED_UNTIL.search(response.text):
            until_ms = max(until_ms, int(told[1]))
        self.blocked_until_ms, self._banned = until_ms, banned
        self._refuse_while_blocked()
        raise RateLimited(_SOURCE, until_ms)  # told to wait no time at all

    def _refuse_request(self, status: int, response: httpx.Response) -> None:
        try:
            answer = response.json()
            code, reason = int(answer["code"]), str(answer["msg"])
        except (ValueError, TypeError, KeyError) as error:
            raise BadAnswer(f"{_SOURCE} ({self._host}) refused with {status} and {_looks(response)}.") from error
        if code in _INVALID_SYMBOL:
            raise UnknownSymbol(response.request.url.params.get("symbol", "this symbol"), _SOURCE)
        raise MarketError(f"{_SOURCE} refuses the request {response.request.url.path}: {reason} ({code}).")


def _looks(response: httpx.Response) -> str:
    kind = response.headers.get("Content-Type", "").split(";")[0]
    if kind == "text/html":
        return "a web page, as a proxy or a login page of the network would,"
    return f"{response.text[:60]!r}"
