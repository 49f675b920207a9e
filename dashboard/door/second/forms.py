"""The HTML of the second step: asking for a code, setting up an app, recovery codes, and a person's own factors."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from core.people.factors import totp
from core.people.factors.passkeys import Passkey
from core.people.factors.steps import Standing
from dashboard.door.second import qr
from dashboard.door.signin_page import alert, page, password_field, state
from dashboard.language.texts import tr

_APP = '<input type="hidden" name="kind" value="app">'
_RECOVERY = '<input type="hidden" name="kind" value="recovery">'


def code_form(standing: Standing, next_path: str, *, recovery: bool = False, problem: str = "", key: str = "") -> str:
    """Return the page that asks for the code of the app, for a recovery code, or for a passkey by the form `key`."""
    by_app = standing.has_app and not recovery
    label = tr("Code of your authenticator app") if by_app else tr("Recovery code")
    other = _other_way(standing, next_path, by_app=by_app)
    return page(
        tr("One more step"),
        f"""{alert(problem)}
{key}
<form method="post" action="/sign-in/code">
<input type="hidden" name="next" value="{escape(next_path)}">
{_APP if by_app else _RECOVERY}
{_code_field(label, problem, digits=by_app)}
<button>{escape(tr("Continue"))}</button>
</form>
{other}
<p class="hint">{escape(tr("Lost both? Ask an admin of your shop to remove your second factor."))}</p>
<p class="hint"><a href="/sign-in">{escape(tr("Sign in as somebody else"))}</a></p>""",
    )


def _other_way(standing: Standing, next_path: str, *, by_app: bool) -> str:
    if by_app:
        text, query = tr("Use a recovery code instead"), {"recovery": "1", "next": next_path}
    elif standing.has_app:
        text, query = tr("Use the authenticator app instead"), {"next": next_path}
    else:
        return ""
    return f'<p class="hint"><a href="/sign-in/code?{escape(urlencode(query))}">{escape(text)}</a></p>'


def app_form(
    standing: Standing, secret: str, action: str, next_path: str, *, problem: str = "", may_key: bool = False
) -> str:
    """Return the page that sets up an app: its QR code, the secret as text, and a field for the first code."""
    address = totp.address(secret, standing.email)
    follows = f'<input type="hidden" name="next" value="{escape(next_path)}">'
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    why = tr("Your role needs a second factor. Set it up once, then you go on.") if standing.step == "enrol" else ""
    return page(
        tr("Set up an authenticator app"),
        f"""{alert(problem)}
{f"<p>{escape(why)}</p>" if why else ""}
<p>{escape(tr("Scan this with an authenticator app on your phone, or type the secret into it."))}</p>
{qr.svg(address, tr("QR code for an authenticator app"))}
<p class="secret" id="secret">{escape(spaced)}</p>
<p class="hint"><a href="{escape(address)}">{escape(tr("The app is on this device: open it"))}</a></p>
<form method="post" action="{escape(action)}">
<input type="hidden" name="do" value="confirm">
<input type="hidden" name="next" value="{escape(next_path)}">
{_code_field(tr("Code that the app shows"), problem, digits=True)}
<button>{escape(tr("Confirm"))}</button>
</form>
{_action("passkey", tr("Set up a passkey instead"), to=action, quiet=True, more=follows) if may_key else ""}""",
    )


def codes_page(standing: Standing, codes: tuple[str, ...], next_path: str) -> str:
    """Return the page that shows new recovery codes, the only time they can be read. On paper it names the account."""
    rows = "\n".join(f"<li>{escape(code)}</li>" for code in codes)
    return page(
        tr("Your recovery codes"),
        f"""<p>{escape(tr("Print or write them down now: they are not shown again."))}
{escape(tr("Without your phone, each signs you in once in place of the code."))}</p>
<p>{escape(tr("Stockroom, {email}", email=standing.email))}</p>
<ul class="codes">
{rows}
</ul>
<p><a class="button" href="{escape(next_path)}">{escape(tr("I have kept them"))}</a></p>""",
    )


def factors_page(standing: Standing, own: tuple[Passkey, ...], *, problem: str = "", may_key: bool = False) -> str:
    """Return the page on which a person manages their own second factors; `may_key`: whether this site has passkeys."""
    return page(
        tr("Second factor"),
        f"""{alert(problem)}
<p>{escape(_summary(standing))}</p>
{_app_part(standing)}
{_passkey_part(standing, own, may_key=may_key)}
{_codes_part(standing)}
<p class="hint"><a href="/account">{escape(tr("Back to your account"))}</a></p>""",
    )


def _summary(standing: Standing) -> str:
    if standing.has_factor:
        return tr("After your password, Stockroom asks for a second factor.")
    return tr("With a second factor, a password that somebody learns is not enough to sign in as you.")


def _app_part(standing: Standing) -> str:
    heading = f"<h2>{escape(tr('Authenticator app'))}</h2>"
    if not standing.has_app:
        asked = tr("Your password, or a code") if standing.has_factor else ""
        return heading + _action("app", tr("Set up an authenticator app"), proof=asked, quiet=bool(asked))
    return f"""{heading}
{_action("remove", tr("Remove the app"), proof=tr("Your password, or a code"), quiet=True)}"""


def _passkey_part(standing: Standing, own: tuple[Passkey, ...], *, may_key: bool) -> str:
    asked = tr("Your password, or a code") if standing.has_factor else ""
    add = _action("passkey", tr("Add a passkey"), proof=asked, quiet=bool(asked)) if may_key else ""
    if not own:
        return f"<h2>{escape(tr('Passkeys'))}</h2>{add}" if add else ""
    options = "".join(f'<option value="{key.passkey_id}">{escape(key.name)}</option>' for key in own)
    choice = f"""<label for="passkey">{escape(tr("Passkey"))}</label>
<select id="passkey" name="passkey">{options}</select>"""
    return f"""<h2>{escape(tr("Passkeys"))}</h2>
{add}
{_action("unkey", tr("Remove this passkey"), proof=tr("Your password, or a code"), quiet=True, more=choice)}"""


def _codes_part(standing: Standing) -> str:
    if not standing.has_factor:
        return ""
    left = tr("Unused recovery codes: {count}", count=standing.codes_left)
    return f"""<h2>{escape(tr("Recovery codes"))}</h2>
<p>{escape(left)}</p>
{_action("codes", tr("Make new codes"), proof=tr("Your password, or a code"), quiet=True)}"""


def _action(
    what: str, label: str, *, proof: str = "", quiet: bool = False, more: str = "", to: str = "/second-step"
) -> str:
    field = f"{what}_proof"
    asked = password_field(field, proof, "current-password", "", focus=False) if proof else ""
    return f"""<form method="post" action="{escape(to)}">
<input type="hidden" name="do" value="{escape(what)}">
{more}{asked}
{'<button class="quiet">' if quiet else "<button>"}{escape(label)}</button>
</form>"""


def _code_field(label: str, problem: str, *, digits: bool) -> str:
    shown = state(problem, True)
    by_app = f"""<input id="code" name="code" autocomplete="one-time-code" inputmode="numeric" maxlength="12"
 spellcheck="false" required{shown}>"""
    by_hand = f"""<input id="code" name="code" autocomplete="off" maxlength="40" autocapitalize="none"
 spellcheck="false" required{shown}>"""
    return f"""<label for="code">{escape(label)}</label>
{by_app if digits else by_hand}"""
