"""The forms of passkeys. These pages alone run a script: it asks the browser to make or give a passkey."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

from dashboard.door.signin_page import POLICY, alert, page
from dashboard.language.texts import tr

SCRIPT = Path(__file__).with_name("passkeys.js").read_text(encoding="utf-8")
_ALLOWED = f"script-src 'sha256-{b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"


def scripted(body: str, status: int = 200) -> HTMLResponse:
    """Return a page that may run the script of passkeys, and no other."""
    headers = {"Content-Security-Policy": "; ".join((POLICY, _ALLOWED))}
    return HTMLResponse(body, status, headers)


def give_form(options: str, next_path: str, *, alone: bool, focus: bool = True) -> str:
    """Return the form that gives a passkey: as the second step, or `alone`."""
    what = "alone" if alone else "second"
    hidden = f"""<input type="hidden" name="what" value="{what}">
<input type="hidden" name="next" value="{escape(next_path)}">"""
    return _form("give", "/sign-in/passkey", options, hidden, tr("Use a passkey"), focus=focus)


def sign_in_page(options: str, next_path: str, *, problem: str = "") -> str:
    """Return the page that signs in with a passkey alone."""
    return page(
        tr("Sign in with a passkey"),
        f"""{alert(problem)}
{give_form(options, next_path, alone=True)}
<p class="hint"><a href="/sign-in">{escape(tr("Use a password instead"))}</a></p>""",
    )


def make_page(options: str, action: str, next_path: str) -> str:
    """Return the page that makes a passkey."""
    hidden = f"""<input type="hidden" name="do" value="add">
<input type="hidden" name="next" value="{escape(next_path)}">
<label for="name">{escape(tr("Name of this device"))}</label>
<input id="name" name="name" maxlength="80" required value="{escape(tr("My device"))}">"""
    return page(
        tr("Add a passkey"),
        f"""<p>{escape(tr("Your browser asks for your fingerprint, face, PIN or security key."))}</p>
{_form("make", action, options, hidden, tr("Add a passkey"), focus=True)}""",
    )


def _form(action: str, to: str, options: str, hidden: str, label: str, *, focus: bool) -> str:
    trouble = tr("The browser gave no passkey. Try again, or use another way.")
    return f"""<form method="post" action="{escape(to)}" data-passkey="{action}" data-options="{escape(options)}">
{hidden}
<input type="hidden" name="answer">
<p class="problem" role="alert" hidden>{escape(trouble)}</p>
<button{" autofocus" if focus else ""}>{escape(label)}</button>
</form>
<script>{SCRIPT}</script>"""
