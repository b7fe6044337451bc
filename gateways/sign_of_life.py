"""One address asked once, for a service that alarms when it is not asked any more."""

import asyncio

import httpx

from gateways.certificates import known_certificates

WITHIN_S = 10.0


class Unheard(Exception):
    """The address did not take the sign of life; the message does not name the address, which is a secret."""


async def give_sign(url: str, within_s: float = WITHIN_S) -> None:
    """Ask the address; Unheard when it does not answer in time, or with anything but success."""
    try:
        async with asyncio.timeout(within_s):
            verify = await asyncio.to_thread(known_certificates)
            async with httpx.AsyncClient(timeout=within_s, verify=verify) as client, client.stream("GET", url) as answer:
                status = answer.status_code  # what it says is not read
    except TimeoutError:
        raise Unheard(f"no answer within {within_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unheard(f"it cannot be asked ({type(error).__name__})") from None  # the cause shows the address
    if not httpx.codes.is_success(status):
        raise Unheard(f"it answered {status}")
