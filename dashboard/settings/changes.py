"""Settings, Recent changes: who changed which account or setting, from what to what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.model import Role
from core.people.audit import Change, What
from core.storefront.guard.setting import Mode
from dashboard.frame import columns, words
from dashboard.frame import page as frame
from dashboard.language.texts import lazy, tr
from dashboard.settings.programs.guard import MODES
from dashboard.settings.reasons import WAYS

WHAT = lazy(
    {
        What.PERSON_ADDED: "Person added",
        What.PERSON_NAMED: "Name or email set",
        What.PERSON_DEACTIVATED: "Person deactivated",
        What.PERSON_ACTIVATED: "Person reactivated",
        What.ROLE_CHANGED: "Role changed",
        What.LINK_MADE: "One-time link created",
        What.PASSWORD_SET: "Password set",
        What.SIGNED_OUT: "Signed out everywhere",
        What.SHOP_CHANGED: "Shop changed",
        What.SAMPLE_REMOVED: "Sample data removed",
        What.REASON_ADDED: "Reason added",
        What.REASON_RENAMED: "Reason renamed",
        What.REASON_RETIRED: "Reason retired",
        What.REASON_BROUGHT_BACK: "Reason restored",
        What.STRIPE_LINK: "Stripe changed",
        What.CODE_MAPPED: "Meaning of a code",
        What.CODE_ATTACHED: "Code added to a variant",
        What.CODE_DETACHED: "Code removed from a variant",
        What.VARIANT_CHOSEN: "Meaning in one order",
        What.CODE_ENDED: "Meaning ended",
        What.ORDER_REOPENED: "Order reopened",
        What.READING_CHOSEN: "Reading chosen for an order",
        What.LINES_SET: "Lines of an order entered",
        What.LINES_UNDONE: "Lines of an order undone",
        What.UNITS_AWAITED: "Waiting for oversold units",
        What.API_KEY_MADE: "API key created",
        What.DESTINATION_CHANGED: "Notifications changed",
        What.WAITING_CHANGED: "Waiting times of cases changed",
        What.API_KEY_REVOKED: "API key revoked",
        What.JOB_SWITCHED_OFF: "Job switched off",
        What.JOB_SWITCHED_ON: "Job switched on",
        What.JOB_HOUR: "Daily hour changed",
        What.CATALOGUE_ADDED: "Catalogue row added",
        What.CATALOGUE_CHANGED: "Catalogue row changed",
        What.COUNT_RULES: "Rules of counting changed",
        What.ORDER_TERMS: "Terms of ordering changed",
        What.VIEW_WITHDRAWN: "Shared view made private",
        What.READING_SET: "Language and format set",
        What.HOOK_MADE: "Webhook created",
        What.HOOK_CHANGED: "Webhook changed",
        What.GUARD_SET: "Stripe guard set",
        What.FACTOR_ADDED: "Second factor set up",
        What.FACTOR_REMOVED: "Second factor removed",
        What.FACTOR_RULE: "Second factor for a role",
        What.CODES_RENEWED: "Recovery codes replaced",
        What.RECOVERY_USED: "Recovery code used",
        What.IDENTITY_LINKED: "Linked to the identity provider",
    }
)
_FACTS = lazy(
    {
        "name": "Name",
        "email": "Email",
        "role": "Role",
        "zone": "Time zone",
        "currency": "Currency",
        "supplier": "Supplier",
        "lead_days": "Lead time in days",
        "pack_size": "Units in a pack",
        "cover_days": "Cover in days",
        "label": "Label",
        "sign": "Direction",
        "note_required": "Note",
        "browsers": "Browsers",
        "expires_at": "Expires",
        "livemode": "Mode",
        "live_since": "Goes live",
        "cart_mapping": "Cart mapping",
        "order_lookup": "Order lookup",
        "unread_confirmation": "Confirmation of an unread cart",
        "sku": "SKU",
        "lines": "Lines",
        "code": "Code",
        "means": "Means",
        "begins": "Starts with",
        "scopes": "Scopes",
        "rate_per_minute": "Requests per minute",
        "is_on": "On",
        "min_severity": "Lowest severity",
        "quiet_from": "Quiet from",
        "quiet_until": "Quiet until",
        "urgent_passes": "Urgent during quiet hours",
        "digest": "Digest",
        "digest_at": "Digest at",
        "daily_at": "Starts at",
        "language": "Language",
        "format": "Format",
        "factor": "Second factor",
        "is_needed": "Required",
        "mode": "Guard",
        "most": "Changes an hour at most",
    }
)


def _begin() -> None:
    st.button(
        tr("Add a person"), key="set_changes_people", icon=":material/person_add:", on_click=st.session_state.update,
        args=({"set_section": tr("People")},),
    )  # fmt: skip


def show_changes(changes: Sequence[Change], zone: str) -> None:
    """Show the latest changes of accounts and settings, as a table or, on a phone, as a list."""
    if not changes:
        frame.empty(tr("No changes yet"), tr("Changes of accounts and settings are listed here."), begin=_begin)
        return

    def narrow() -> None:
        with st.container(border=True, gap="small"):
            for change in changes:
                _show(change, zone)

    columns.show(
        {
            tr("When"): ([words.moment(change.at, zone) for change in changes], TextColumn(width=136)),
            tr("Who"): ([words.who(change.performed_by) for change in changes], TextColumn(width=110)),
            tr("What"): ([WHAT[change.what] for change in changes], TextColumn(width=216)),
            tr("Subject"): ([_subject(change) for change in changes], TextColumn(width=230)),
            tr("Before and after"): ([_facts(change, zone) for change in changes], TextColumn(width=330)),
        },
        narrow,
        key="changes",
        alt=tr("The latest changes of accounts and settings"),
    )
    st.caption(tr("The last 20 changes, newest first. They cannot be edited or removed, and include no secrets."))


def _show(change: Change, zone: str) -> None:
    with st.container(gap=None):
        st.markdown(f"**{WHAT[change.what]}**")
        st.text(_subject(change))  # not Markdown, which would turn an email address into a link
        who = f"{words.who(change.performed_by)}, {words.moment(change.at, zone)}"
        st.caption(words.plain(words.joined(_facts(change, zone), who)))


def _subject(change: Change) -> str:
    """Return what was changed, by the name that its page has."""
    if change.what is What.FACTOR_RULE:
        return words.ROLE_LABELS[Role(change.subject)]
    return tr("Stripe guard") if change.what is What.GUARD_SET else change.subject


def _facts(change: Change, zone: str) -> str:
    """Return the values before and after a change: Role: Support → Manager."""
    labels = _FACTS
    if change.what in (What.CATALOGUE_ADDED, What.CATALOGUE_CHANGED):  # their columns may be the storefront's own
        labels = {name: name for name in sorted({*change.before, *change.after})}
    return ", ".join(
        f"{label}: " + f" {words.ARROW} ".join(_fact(name, side[name], zone) for side in _sides(change, name))
        for name, label in labels.items()
        if _sides(change, name) and not _is_same(change, name)
    )


def _is_same(change: Change, name: str) -> bool:
    return name in change.before and name in change.after and bool(change.before[name] == change.after[name])


def _sides(change: Change, name: str) -> list[dict[str, Any]]:
    return [side for side in (change.before, change.after) if name in side]


def _fact(name: str, value: Any, zone: str) -> str:
    if name == "role":
        return words.ROLE_LABELS[Role(value)]
    if name == "mode":
        return MODES[Mode(value)]
    if name == "sign":
        return WAYS[value]
    if name == "note_required":
        return tr("required") if value else tr("optional")
    if isinstance(value, bool) and name != "livemode":
        return tr("yes") if value else tr("no")
    if name in ("expires_at", "live_since") and value is not None:
        return words.moment(datetime.fromisoformat(value), zone)
    if name == "livemode" and value is not None:
        return tr("live") if value else tr("test")
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(each)}" for key, each in value.items())
    return tr("none") if value is None else _text(value)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
