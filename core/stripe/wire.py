"""How requests reach Stripe: over connections that stay open, with little work for each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
import stripe
import urllib3

_CONNECTIONS = 40


class Wire(stripe.RequestsClient):
    """The library's own client, with `urllib3` alone for plain requests; that takes a third of the time.

    `requests` looks for proxies and passwords in the environment each time. Behind a proxy it sends all requests.
    """

    def __init__(self, address: str, *, connect_seconds: float, read_seconds: float) -> None:
        super().__init__(timeout=(connect_seconds, read_seconds))
        self._has_proxy = bool(requests.utils.get_environ_proxies(address))
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            retries=False,
            ca_certs=stripe.ca_bundle_path,
            cert_reqs="CERT_REQUIRED",
        )

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request and return the body, the status and the headers. Raises stripe.APIConnectionError."""
        if self._has_proxy:
            return super().request(method, url, headers, post_data)
        try:
            answer = self._pool.request(method.upper(), url, body=post_data, headers=headers, redirect=False)
        except urllib3.exceptions.SSLError as error:
            raise _lost(error, may_pass=False) from error
        except urllib3.exceptions.HTTPError as error:
            raise _lost(error, may_pass=True) from error
        return answer.data, answer.status, answer.headers


def _lost(error: Exception, *, may_pass: bool) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(f"Stripe cannot be reached: {type(error).__name__}", should_retry=may_pass)
