"""How requests reach Stripe: how long they wait, and through which proxy."""

from __future__ import annotations

from typing import Any

import pytest

from core.foundation.errors import Unavailable
from core.stripe.gateway import Gateway
from tests.stripe.fake import KEY


def test_connecting_may_take_five_seconds_and_an_answer_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    given = list[Any]()

    def send(*_: object, timeout: Any, **__: object) -> None:
        given.append((timeout.connect_timeout, timeout.read_timeout))
        raise OSError

    monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool._make_request", send)
    with pytest.raises(Unavailable):
        Gateway(KEY, sleep=lambda _: None).newest_event()
    assert set(given) == {(5.0, 20.0)}


def test_behind_a_proxy_requests_go_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[str]()

    def send(_: object, request: Any, **more: Any) -> None:
        seen.append(more["proxies"]["https"])
        raise OSError

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    with pytest.raises(Unavailable):
        Gateway(KEY, sleep=lambda _: None).newest_event()
    assert set(seen) == {"http://proxy.example:3128"}
