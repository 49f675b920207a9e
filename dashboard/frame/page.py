"""The frame of every page: its title, the message about the last action, and the empty, missing and error states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.foundation.errors import Forbidden, SignInRequired, StockError, Unavailable
from core.foundation.model import Actor, Shop
from core.foundation.settings import load_settings
from core.people.access import Permission, may
from core.sample import removal
from core.screens import finding
from dashboard.door import session
from dashboard.frame import drawer, feedback, links, live, words
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

PHONE = "640px"
NEW = "new"
"""The parameter of the Stock page that opens the form for a new product."""
FIND = "q"
"""The parameter of the Search page that holds what was searched for."""
FIND_KEY = "find_text"
LONGEST_FIND = 500
_FIND_NOW = "_find_now"
_GO = "_go"
WHO_ADDS = marked("A manager or an admin of your shop can add products.")
# Selects only our own keys: which of two tables is visible, and where the message about an action floats.
_STYLE = f"""<style>
[class*="st-key-narrow_"] {{ display: none; }}
@media (max-width: {PHONE}) {{
  [class*="st-key-wide_"] {{ display: none; }}
  [class*="st-key-narrow_"] {{ display: flex; }}
}}
.st-key-notice {{
  position: fixed; z-index: 1000; right: 1.5rem; bottom: 1.5rem; width: min(30rem, calc(100vw - 2rem));
}}
@media (max-width: {PHONE}) {{ .st-key-notice {{ right: 1rem; top: 4rem; bottom: auto; }} }}
[class*="st-key-flush_"] a {{ padding-left: 0; }}
.st-key-stk_explain p {{ font-size: 0.95rem; }}
[class*="st-key-notice_"] {{
  background: light-dark(#FFFFFF, #18232A); box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  animation: stockroom-leave 0.4s {feedback.SECONDS}s forwards;
}}
@keyframes stockroom-leave {{ to {{ opacity: 0; visibility: hidden; }} }}
</style>"""


@contextmanager
def page(title: str, person: Actor) -> Iterator[DeltaGenerator]:
    """Draw a page: its title, the message about the last action, and the body of the `with`, or its error.

    Yields the container below the title, for captions and banners that depend on the page's data.
    """
    _leave()
    st.html(_STYLE)
    with st.container(gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="head"):
            st.title(title, anchor=False, width="content")
            _show_find()
        top = st.container(gap="small")
    feedback.show_notice(person)
    try:
        _show_replaced()
        yield top
        drawer.show(person)
    except SignInRequired:
        raise
    except StockError as error:
        show_failure(error)


def go(name: str, query: Mapping[str, str]) -> None:
    """Open another page in the next run; for callbacks, which cannot leave a page themselves."""
    st.session_state[_GO] = (name, dict(query))


def _leave() -> None:
    """Open the page that a callback named, or what the search field was asked for."""
    if FIND_KEY in st.session_state and st.session_state.pop(_FIND_NOW, False):
        name, query = _found(st.session_state[FIND_KEY] or "")
    else:
        name, query = st.session_state.pop(_GO, ("", {}))
    if name:
        st.switch_page(links.PAGES / f"{name}.py", query_params=query)


def _found(text: str) -> tuple[str, dict[str, str]]:
    """Return the page of the only result with its parameters, else that of the results."""
    text = text.strip()
    if not text:
        return "", {}
    try:
        seen = session.run(finding.find, text=text[:LONGEST_FIND])
    except SignInRequired:
        raise
    except StockError:
        seen = None  # the page of results says why
    if seen is not None and seen.count == 1:
        if seen.orders:
            return "orders", {"order": str(seen.orders[0].order_id)}
        if seen.variants:
            return "stock", {"sku": seen.variants[0].sku}
    return "you/search", {FIND: text[:LONGEST_FIND]}


def _show_find() -> None:
    """Draw the search field. It is a form, so that nothing is searched before Enter."""
    with (
        st.container(key="find", width=400),
        st.form("find_form", border=False),
        st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False),
    ):
        st.text_input(
            tr("Find an order, a buyer, a variant"),
            st.query_params.get(FIND, ""),
            key=FIND_KEY,
            type="search",
            placeholder=tr("Find an order, buyer, amount, SKU"),
            label_visibility="collapsed",
        )
        st.form_submit_button(tr("Find"), key="find_send", icon=":material/search:", on_click=_find, type="tertiary")


def _find() -> None:
    st.session_state[_FIND_NOW] = True


def show_failure(error: StockError) -> None:
    """Say why the page cannot be shown, and what to do."""
    with st.container(border=True, key="failure"):
        st.subheader(_headline(error), anchor=False)
        if isinstance(error, Forbidden):
            st.write(tr("Ask an admin of your shop for another role."))
            return
        st.write(words.plain(translated(error.message)))
        if isinstance(error, Unavailable):
            st.write(tr("No data was changed. This page reloads by itself as soon as the database answers."))
            st.button(tr("Try again"), icon=":material/refresh:", key="try_again")
            live.wait_for_database()


def _headline(error: StockError) -> str:
    if isinstance(error, Forbidden):
        return tr("Your role cannot view this page")
    return tr("This page cannot be shown right now")


def empty(
    headline: str, sentence: str, *, icon: str = ":material/inbox:", begin: Callable[[], None] | None = None
) -> None:
    """Say that there is nothing yet, or nothing that matches, with the next step. `begin` draws the buttons for it."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### {icon}", text_alignment="center")
        st.markdown(f"**{headline}**", text_alignment="center")
        st.caption(sentence, text_alignment="center")
        if begin:
            st.space("xxsmall")
            with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
                begin()
        st.space("small")


def missing(noun: str) -> None:
    """Say that the address names an order, a case, a run that does not exist."""
    empty(tr("There is no such {noun}", noun=noun), tr(drawer.MISSING), icon=":material/search_off:")


@contextmanager
def heading(title: str) -> Iterator[None]:
    """Draw the heading of a card, with the body of the `with` at its right."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(title, anchor=False)
        yield


def empty_sales(headline: str, sentence: str, person: Actor, shop: Shop, *, icon: str) -> None:
    """Say in `sentence` what comes from Stripe, with the way to the first orders, or who can begin it."""
    if shop.is_sample or load_settings().stripe_secret_key is not None:
        may_begin, who, begin = (
            Permission.IMPORT_ORDERS,
            tr("A manager or an admin of your shop can import them"),
            import_orders,
        )
    else:
        may_begin, who, begin = (
            Permission.MANAGE_STRIPE,
            tr("An admin of your shop can connect Stripe"),
            _connect_stripe,
        )
    if may(person.role, may_begin):
        empty(headline, sentence, icon=icon, begin=begin)
    else:
        empty(headline, f"{sentence} {who}.", icon=icon)


def import_orders() -> None:
    """Draw the button that opens the import of orders."""
    links.begin("catalog", tr("Import orders"), icon=":material/cloud_download:", imp_section="Orders")


def _connect_stripe() -> None:
    links.begin("settings", tr("Connect Stripe"), icon=":material/link:", set_section="Stripe")


def empty_shop(person: Actor, sentence: str) -> None:
    """Say in `sentence` what a page shows of products, with the ways to the first one, or who can add it."""
    adds = may(person.role, Permission.IMPORT_CATALOG)
    empty(
        tr("There are no products yet"),
        sentence if adds else f"{sentence} {tr(WHO_ADDS)}",
        icon=":material/inventory_2:",
        begin=_begin_shop if adds else None,
    )


def _begin_shop() -> None:
    links.begin("stock", tr("Add the first product"), icon=":material/add:", new="1")
    links.begin("catalog", tr("Import a catalogue"), icon=":material/upload_file:", is_main=False)


def show_sample_banner(shop: Shop, person: Actor) -> None:
    """Say that this is sample data, and offer an admin to start their own shop."""
    if not shop.is_sample:
        return
    with st.container(key="sample_banner", horizontal=True, vertical_alignment="center", border=True):
        st.markdown(tr(":material/science: **Sample data.** {shop}", shop=_made_up(shop, person)), width="content")
        if may(person.role, Permission.MANAGE_SHOP) and st.button(
            tr("Start my own shop"), key="start_own", type="primary", icon=":material/storefront:"
        ):
            st.switch_page(links.PAGES / "start.py")


def _made_up(shop: Shop, person: Actor) -> str:
    who = "" if may(person.role, Permission.MANAGE_SHOP) else tr(" An admin can start your own shop.")
    return tr("{name} is made up, and a sandbox stands in for Stripe.{who}", name=words.plain(shop.name), who=who)


def show_sample_line(shop: Shop) -> None:
    """Say in one line that this is sample data."""
    if shop.is_sample:
        st.caption(tr(":material/science: Sample data, so try anything."))


def _show_replaced() -> None:
    """Say in a tab that was opened before the shop was replaced who did that, until the person closes it."""
    if not session.was_replaced():
        return
    with st.container(key="replaced", horizontal=True, vertical_alignment="center"):
        found = session.run(removal.removal)
        if found:
            who, when = words.plain(found.who), words.ago(found.at, datetime.now(UTC))
            said = tr(
                "{who} removed the sample data {when}, with everything that this page showed. Your "
                "own shop begins empty. People, sessions and reasons stayed.",
                who=who,
                when=when,
            )
        else:
            said = tr("The data of this shop was replaced, so what this page showed may be gone.")
        st.info(said, icon=":material/storefront:", width="stretch")
        st.button(tr("Close"), key="replaced_close", type="tertiary", on_click=session.forget_replaced)
