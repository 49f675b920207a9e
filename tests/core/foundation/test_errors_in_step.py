"""Python and SQL agree: SQLSTATE, class and sentence of each error; the enums of Python and the checks of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy

from core.alerts.reads import Event
from core.catalog.codes import CodeKind
from core.catalog.editing import ChangeSource
from core.counts.entering import EntryKind
from core.counts.sessions import Scope, State
from core.database import engine as database
from core.deliveries.reads import OPEN, DeliveryState, Done
from core.foundation import errors, measure, model, sales
from core.foundation.errors import BY_SQLSTATE, StockError
from core.jobs.runs import Outcome
from core.orders.stripe_link import UNREAD_CONFIRMATIONS
from core.people.access import ROLES, Permission
from core.people.factors.half import Missing
from core.sample.trying import Trial
from core.shop.prices import TaxBy
from core.storefront.guard.setting import Act, ActState, Mode
from core.valuation.costs import CostSource, StepKind
from core.views.schedule import MailState, Rhythm
from tests.support.builders import Shop

CORE = Path(errors.__file__).parents[1]
SQL = {path.name: path.read_text(encoding="utf-8") for path in sorted(CORE.rglob("*.sql"))}
RAISED = re.compile(r"refuse\('(SK\d{3})',\s*'((?:[^']|'')*)'|raise exception '([^']*)' using errcode = '(SK\d{3})'")


def sentence(kind: type[StockError]) -> str:
    return (kind.__doc__ or "").strip()


def raised() -> set[tuple[str, str, str]]:
    """Return every refusal with a sentence in an SQL file: file, SQLSTATE, sentence."""
    found = ((name, match) for name, text in SQL.items() for match in RAISED.finditer(text))
    return {(name, match[1] or match[4], match[2] or match[3]) for name, match in found}


def test_each_sqlstate_becomes_the_class_that_declares_it() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and "sqlstate" in vars(kind)]
    assert {vars(kind)["sqlstate"]: kind for kind in classes} == BY_SQLSTATE
    assert sorted(BY_SQLSTATE) == [f"SK{n:03}" for n in range(1, len(BY_SQLSTATE) + 1)]


@pytest.mark.parametrize("state", sorted(BY_SQLSTATE))
def test_each_class_has_one_sentence_that_can_be_shown(state: str) -> None:
    said = sentence(BY_SQLSTATE[state])
    assert re.fullmatch(r"[A-Z][^\n]{10,80}\.", said)
    assert BY_SQLSTATE[state]().message == said


def test_sql_refuses_only_with_known_codes_and_with_the_sentence_of_the_class() -> None:
    found = raised()
    assert {state for _, state, _ in found} <= set(BY_SQLSTATE)
    assert {"SK001", "SK002", "SK003", "SK004", "SK005", "SK009", "SK010", "SK011"} <= {state for _, state, _ in found}
    # An invalid value has its own sentence, which names the field and the reason.
    wrong = {(name, state, said) for name, state, said in found if state != "SK008"
             and said != sentence(BY_SQLSTATE[state])}  # fmt: skip
    assert wrong == set()


def test_a_refused_value_always_carries_its_field_and_what_is_wrong_with_it() -> None:
    for name, text in SQL.items():
        for call in re.findall(r"refuse\('SK008',.*?;\n", text, flags=re.DOTALL):
            assert "field" in call, (name, call)
            assert "why" in call, (name, call)


def test_the_codes_in_the_comments_of_functions_exist() -> None:
    promised = {code for text in SQL.values() for code in re.findall(r"^--.*$", text, flags=re.MULTILINE)}
    assert {code for line in promised for code in re.findall(r"SK\d{3}", line)} <= set(BY_SQLSTATE)


@pytest.mark.parametrize("state", sorted(BY_SQLSTATE))
def test_each_code_arrives_as_its_class_with_the_facts(shop: Shop, state: str) -> None:
    facts = '{"field": "quantity", "why": "is wrong", "short": [{"sku": "Ä-1"}], "n": 9007199254740993}'
    with pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
        shop.sql(
            "select stockroom_api.refuse(:state, 'Größe 9 is gone.', cast(:facts as jsonb))", state=state, facts=facts
        )
    error = database.translate(caught.value)
    assert type(error) is BY_SQLSTATE[state]
    assert error.message == "Größe 9 is gone."
    assert error.facts["n"] == 9007199254740993
    assert error.facts["short"] == [{"sku": "Ä-1"}]


def test_a_bug_is_not_reported_as_a_refusal(shop: Shop) -> None:
    for statement in ("select 1 / 0", "select nonsense", "insert into stockroom.shop (name) values ('')"):
        with pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
            shop.sql(statement)
        assert database.translate(caught.value) is caught.value


# Every CHECK of words, and the words of Python that it must equal. A new CHECK needs a line here.
WORDS: dict[str, Iterable[str]] = {
    "stock_movements_type_check": model.MovementType,
    "reasons_movement_type_check": model.MovementType,
    "users_role_check": model.Role,
    "stripe_events_source_check": sales.MessageSource,
    "stripe_events_state_check": sales.MessageState,
    "stripe_events_policy_check": sales.Policy,
    "orders_policy_check": sales.Policy,
    "orders_cart_state_check": sales.CartState,
    "order_lines_state_check": sales.LineState,
    "sku_aliases_kind_check": sales.MeaningKind,
    "order_lines_cause_check": sales.LineCause,
    "refunds_state_check": sales.RefundState,
    "refunds_kind_check": sales.RefundKind,
    "refund_decisions_disposition_check": sales.Disposition,
    "alerts_kind_check": sales.AlertKind,
    "alerts_severity_check": sales.Severity,
    "alerts_state_check": sales.AlertState,
    "alert_history_what_check": Event,
    "reservations_state_check": sales.HoldState,
    "job_runs_outcome_check": Outcome,
    "view_subscriptions_rhythm_check": Rhythm,
    "view_mails_kind_check": ("due", "asked"),
    "view_mails_state_check": MailState,
    "destinations_min_severity_check": (*sales.Severity, "waited"),
    "destinations_digest_check": ("each", "hour", "day"),
    "deliveries_kind_check": ("alert", "digest", "order", "test", "proof", "account"),
    "deliveries_state_check": ("waiting", "sent", "failed"),
    "shop_tax_check": TaxBy,
    "checkouts_tax_by_check": TaxBy,
    "health_calls_kind_check": measure.Kind,
    "health_calls_span_check": measure.Span,
    "health_samples_span_check": measure.Span,
    "stripe_link_unread_confirmation_check": UNREAD_CONFIRMATIONS,
    "sandbox_objects_delivery_check": ("waiting", "sent", "lost"),
    "sandbox_tries_what_check": Trial,
    "variant_changes_source_check": ChangeSource,
    "counts_scope_check": Scope,
    "counts_state_check": State,
    "counts_applied_check": (State.APPLIED, State.UNDONE),
    "count_entries_kind_check": EntryKind,
    "count_lines_valued_by_check": ("cost", "price"),
    "goods_deliveries_state_check": DeliveryState,
    "hook_deliveries_state_check": ("waiting", "sent", "failed"),
    "guard_mode_check": Mode,
    "guard_acts_mode_check": (Mode.DRY, Mode.ON),
    "guard_acts_act_check": Act,
    "guard_acts_state_check": ActState,
    "guard_objects_kind_check": ("link", "session"),
    "day_flows_split_check": ("shop", "brands", "all"),
    "cost_steps_kind_check": StepKind,
    "cost_steps_source_check": CostSource,
    "goods_deliveries_closed_check": OPEN,
    "goods_steps_step_check": Done,
    "variant_codes_kind_check": CodeKind,
    "half_sessions_step_check": Missing,
    "factor_rules_role_check": model.Role,
}


def test_every_check_of_words_accepts_exactly_the_words_of_python(shop: Shop) -> None:
    rows = shop.rows(
        """select c.conname, pg_get_constraintdef(c.oid) as said from pg_constraint c
             join pg_namespace n on n.oid = c.connamespace
            where n.nspname in ('public', 'stockroom') and c.contype = 'c'"""
    )
    found = {row.conname: set(re.findall(r"'(\w+)'::text", row.said)) for row in rows if "ANY (ARRAY[" in row.said}
    assert {name: words for name, words in found.items() if words} == {
        name: {str(word) for word in words} for name, words in WORDS.items()
    }


def test_every_permission_is_held_by_known_roles_and_always_by_an_admin() -> None:
    roles = {role.value for role in model.Role}
    assert set(ROLES) == set(Permission)
    assert all(set(holders) <= roles for holders in ROLES.values())
    assert all("admin" in holders for holders in ROLES.values())


def test_sql_and_python_allow_notes_of_the_same_length(shop: Shop) -> None:
    text = shop.sql("select pg_get_constraintdef(oid) from pg_constraint where conname = 'stock_movements_note_check'")
    assert f"length(note) <= {model.MAX_NOTE}" in text


# The shop's reasons, as people agreed on them: type -> {reason: sign}; 0 is either way.
REASONS = {
    "purchase": {"initial_purchase": 1, "delivery": 1, "supplier_return": -1, "undo": 0},
    "sale": {"stock_decrease": -1, "forced": -1, "exchange": -1, "undo": 0},
    "restoration": {"refund": 1, "cancelled_unshipped": 1, "exchange": 1, "undo": 0},
    "adjustment": {
        "stock_increase": 1,
        "stock_decrease": -1,
        "found": 1,
        "damaged": -1,
        "lost": -1,
        "theft": -1,
        "sample": -1,
        "donation": -1,
        "correction": 0,
        "undo": 0,
    },
    "count": {"initial_count": 0, "cycle_count": 0, "full_count": 0, "undo": 0},
}


def test_a_new_shop_has_the_agreed_reasons_with_their_signs_and_notes(fresh_shop: Shop) -> None:
    rows = fresh_shop.rows("select * from stockroom.reasons")
    found: dict[str, dict[str, int]] = {kind.value: {} for kind in model.MovementType}
    for row in rows:
        found[row.movement_type][row.reason] = row.sign
    assert found == REASONS
    noted = {row.reason for row in rows if row.note_required}
    assert noted == {"lost", "theft", "found", "correction", "forced", "undo"}
    labels = {row.reason: row.label for row in rows}
    assert (labels["initial_count"], labels["initial_purchase"]) == ("Initial stock count", "Initial stock purchase")


def test_forms_offer_only_reasons_for_manual_operations(fresh_shop: Shop) -> None:
    rows = fresh_shop.rows("select movement_type, reason from stockroom.reasons where not by_hand")
    expected = {(kind, "undo") for kind in REASONS}
    expected |= {(kind, reason) for kind in ("sale", "restoration") for reason in REASONS[kind]}
    assert {tuple(row) for row in rows} == expected
