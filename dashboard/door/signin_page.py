"""The HTML of the sign-in pages: one stylesheet for light, dark, desktop and phone, no script, no outside request."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from pathlib import Path

from core.people.passwords import LONGEST_EMAIL, LONGEST_NAME, LONGEST_PASSWORD, SHORTEST_PASSWORD
from dashboard.door import ways
from dashboard.door.gate import FONT_PATH, ICON_PATH
from dashboard.language.reader import reader
from dashboard.language.texts import tr

STYLE = Path(__file__).with_name("signin.css").read_text(encoding="utf-8").replace("FONT_PATH", FONT_PATH)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "font-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""These pages run no script, cannot be framed, and send forms only to this site."""


def page(title: str, body: str) -> str:
    """Return a page with the product's name and `body`, which is HTML."""
    return f"""<!doctype html>
<html lang="{reader().language}">
<head>
<meta charset="utf-8">
<title>{escape(title)} · Stockroom</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="{ICON_PATH}" type="image/svg+xml">
<style>{STYLE}</style>
</head>
<body>
<header>
<p class="brand"><img src="{ICON_PATH}" alt="" width="32" height="32">Stockroom</p>
<p class="promise">{escape(tr("Every unit that came, went or was corrected, and who did it."))}</p>
</header>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def sign_in_form(next_path: str, *, email: str = "", problem: str = "") -> str:
    """Return the sign-in page; `problem` is the error of the last attempt."""
    return page(
        tr("Sign in"),
        f"""{alert(problem)}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(next_path)}">
{_email_field(email, "username", problem, focus=not email)}
{password_field("password", tr("Password"), "current-password", problem, focus=bool(email))}
<button>{escape(tr("Sign in"))}</button>
</form>
{ways.links(next_path)}
<p class="hint">{escape(tr("No password, or forgot it? Ask an admin of your shop for a one-time link."))}</p>""",
    )


def link_form(name: str, link: str) -> str:
    """Return the page of a one-time link. It has a button, so a program that previews links does not use it up."""
    return page(
        tr("Welcome"),
        f"""<p>{escape(tr("This link signs you in as {name}. It works once.", name=name))}</p>
<form method="post" action="/welcome">
<input type="hidden" name="token" value="{escape(link)}">
<button autofocus>{escape(tr("Open the dashboard"))}</button>
</form>""",
    )


def password_form(*, name: str, email: str, has_password: bool, names_itself: bool, problem: str = "") -> str:
    """Return the form that sets or changes a password; the first admin also enters their name and email."""
    title = tr("Change your password") if has_password else tr("Set your password")
    hint = tr("At least {count} characters. A sentence works well and is easy to remember.", count=SHORTEST_PASSWORD)
    own = f"{_name_field(name)}{_email_field(email, 'username', '', focus=False)}" if names_itself else _username(email)
    now = (
        password_field("current", tr("Current password"), "current-password", problem, focus=True)
        if has_password
        else ""
    )
    return page(
        title,
        f"""{alert(problem)}
<form method="post" action="/password">
{own}{now}
{password_field("password", tr("New password"), "new-password", problem, focus=not (has_password or names_itself))}
{password_field("again", tr("Repeat new password"), "new-password", problem, focus=False)}
<p class="hint">{escape(hint)}</p>
<button>{escape(tr("Save"))}</button>
</form>
<p class="hint">{escape(tr("Saving signs you out of all other browsers."))}
<a href="/">{escape(tr("Back to the dashboard"))}</a></p>""",
    )


def message(title: str, sentence: str, *, link: str = "/sign-in", label: str = "") -> str:
    """Return a page with one sentence and a link."""
    label = label or tr("Go to the sign-in form")
    return page(title, f'<p>{escape(sentence)}</p>\n<p><a class="button" href="{escape(link)}">{escape(label)}</a></p>')


def alert(problem: str) -> str:
    """Return the error of the last attempt, or nothing."""
    return f'<p class="problem" id="problem" role="alert">{escape(problem)}</p>' if problem else ""


def _name_field(name: str) -> str:
    return f"""<label for="name">{escape(tr("Your name"))}</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="name" maxlength="{LONGEST_NAME}" required autofocus>
"""


def _email_field(email: str, complete: str, problem: str, *, focus: bool) -> str:
    return f"""<label for="email">{escape(tr("Email"))}</label>
<input id="email" name="email" type="email" value="{escape(email)}" autocomplete="{complete}" inputmode="email"
 maxlength="{LONGEST_EMAIL}" spellcheck="false" autocapitalize="none" required{state(problem, focus)}>"""


def password_field(name: str, label: str, complete: str, problem: str, *, focus: bool) -> str:
    """Return a field for a password, with its label."""
    return f"""<label for="{name}">{escape(label)}</label>
<input id="{name}" name="{name}" type="password" autocomplete="{complete}" maxlength="{LONGEST_PASSWORD}"
 required{state(problem, focus)}>"""


def _username(email: str) -> str:
    # Password managers save the new password for the account in the same form.
    return f'<input type="email" name="email" value="{escape(email)}" autocomplete="username" hidden readonly>\n'


def state(problem: str, focus: bool) -> str:
    """Return the attributes of a field: whether it is wrong, and whether it has the focus."""
    return (' aria-invalid="true" aria-describedby="problem"' if problem else "") + (" autofocus" if focus else "")
