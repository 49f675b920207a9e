"""For any input, the API answers as its OpenAPI description says, and never with an internal error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.people import api_keys
from core.people.api_keys import Scope
from core.storefront.api import create_api
from tests.stripe.account import StripeAccount
from tests.stripe.fake import fake_gateway
from tests.support.builders import Shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(shop: Shop) -> str:
    made: str = shop.run(api_keys.make, "Ada", name="Fuzz", scopes=tuple(Scope), rate_per_minute=100_000)
    return made


def test_nothing_that_is_sent_makes_it_stumble(shop: Shop, key: str) -> None:
    # Imported here: it takes a second, and every process of the tests reads this file.
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    shop.variant(5)  # an empty catalogue answers 503
    gateway, _ = fake_gateway(StripeAccount())
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_api(lambda: shop.engine, gateway=gateway))
    asked = set()
    for found in schema.get_all_operations():
        told: Any = found
        operation = told.ok()

        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {key}"})
            case.validate_response(answer, checks=checks)

        ask()
        asked.add(operation.label)
    assert {
        "POST /stock/validate",
        "GET /levels",
        "POST /reservations",
        "POST /stripe/create-payment-intent",
        "POST /orders/create-from-payment",
    } <= asked
