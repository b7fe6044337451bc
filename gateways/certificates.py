"""The certificates that connections to the outside are checked against, read once for all of them."""

import ssl
from functools import cache

import httpx


@cache
def known_certificates() -> ssl.SSLContext:
    """The authorities this machine trusts, as httpx would read them anew for each client: tens of milliseconds a time."""
    return httpx.create_ssl_context()
