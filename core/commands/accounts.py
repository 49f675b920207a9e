"""`python -m core user ...`: accounts, from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sqlalchemy import Engine

from core.commands import command
from core.database.engine import run
from core.foundation.errors import invalid
from core.foundation.model import COMMAND_LINE, Role
from core.foundation.settings import load_settings
from core.people import accounts
from core.people import administration as people
from core.people.administration import Person
from core.people.factors import rules
from core.people.passwords import clean_email


def add_parsers(subparsers: Any) -> None:
    """Add `user` and its sub-commands."""
    commands = subparsers.add_parser("user", help="add people, change roles, create one-time links").add_subparsers(
        required=True, metavar="COMMAND"
    )
    command(commands, "list", "list everybody with an account", operate=list_users)
    add = _for_person(commands, "add", "add a person and print a one-time link for them", add_user)
    add.add_argument("--name", required=True, help="the name that their movements will show")
    add.add_argument("--role", required=True, choices=list(Role), help="what they may do")
    add.add_argument("--password-stdin", action="store_true", help="read a password from standard input; print no link")
    _link_options(add)
    _link_options(_for_person(commands, "link", "print a one-time link that signs a person in", link_user))
    role = _for_person(commands, "role", "give a person another role", change_role)
    role.add_argument("role", choices=list(Role))
    _for_person(commands, "deactivate", "deactivate an account and sign the person out", deactivate_user)
    _for_person(commands, "activate", "activate an account again", activate_user)
    _for_person(commands, "sign-out", "sign a person out of every browser", sign_out_user)
    what = "remove the second factor of a person who lost it, and sign them out"
    _for_person(commands, "remove-factor", what, remove_factor)


def _for_person(commands: Any, name: str, what: str, operate: Any) -> argparse.ArgumentParser:
    parser = command(commands, name, what, operate=operate)
    parser.add_argument("email", help="the email address the person signs in with")
    return parser


def _link_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the address of the dashboard, such as https://stock.example.com")


def list_users(engine: Engine, arguments: argparse.Namespace) -> None:
    """Print every account, one a line."""
    for person in run(engine, people.list_people, COMMAND_LINE):
        state = "" if person.is_active else "  (deactivated)"
        print(f"{person.email:<36}  {person.role:<9}  {person.name}{state}")


def add_user(engine: Engine, arguments: argparse.Namespace) -> None:
    """Add a person, with a password from standard input or a link to print."""
    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else None
    values = {"email": arguments.email, "name": arguments.name, "role": Role(arguments.role), "password": password}
    user_id = run(engine, people.add_person, COMMAND_LINE, **values)
    print(f"{arguments.name} has an account as {arguments.role}.")
    if password is None:
        _print_link(engine, user_id, arguments.url)


def link_user(engine: Engine, arguments: argparse.Namespace) -> None:
    """Print a one-time link."""
    _print_link(engine, _person(engine, arguments.email).user_id, arguments.url)


def change_role(engine: Engine, arguments: argparse.Namespace) -> None:
    """Change the role."""
    person = _person(engine, arguments.email)
    run(engine, people.set_role, COMMAND_LINE, user_id=person.user_id, role=Role(arguments.role))
    print(f"{person.name} has the role {arguments.role} from their next click on.")


def deactivate_user(engine: Engine, arguments: argparse.Namespace) -> None:
    """Deactivate the account."""
    person = _person(engine, arguments.email)
    run(engine, people.set_active, COMMAND_LINE, user_id=person.user_id, active=False)
    print(f"{person.name} is signed out everywhere and can no longer sign in.")


def activate_user(engine: Engine, arguments: argparse.Namespace) -> None:
    """Activate the account."""
    person = _person(engine, arguments.email)
    run(engine, people.set_active, COMMAND_LINE, user_id=person.user_id, active=True)
    print(f"{person.name} can sign in again.")


def sign_out_user(engine: Engine, arguments: argparse.Namespace) -> None:
    """Sign out everywhere."""
    person = _person(engine, arguments.email)
    ended = run(engine, accounts.end_sessions, COMMAND_LINE, user_id=person.user_id)
    print(f"{person.name} is signed out of {ended} browser{'' if ended == 1 else 's'}.")


def remove_factor(engine: Engine, arguments: argparse.Namespace) -> None:
    """Remove the second factor, for a lost phone; also of the last admin, whom nobody else can help."""
    person = _person(engine, arguments.email)
    has_mail = load_settings().mail_url is not None
    run(engine, rules.remove_factors, COMMAND_LINE, user_id=person.user_id, has_mail=has_mail)
    print(f"The second factor of {person.name} is removed, and {person.name} is signed out everywhere.")


def _person(engine: Engine, email: str) -> Person:
    email = clean_email(email)
    everybody = run(engine, people.list_people, COMMAND_LINE)
    found = next((person for person in everybody if person.email == email), None)
    if found is None:
        raise invalid("email", f"{email} belongs to no account; `python -m core user list` lists them all")
    return found


def _print_link(engine: Engine, user_id: int, url: str | None) -> None:
    link = run(engine, people.make_link, COMMAND_LINE, user_id=user_id)
    print(f"This link signs them in, once, within 24 hours: {(url or _address()).rstrip('/')}/welcome?token={link}")


def _address() -> str:
    settings = load_settings()
    if settings.public_url:
        return settings.public_url
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.address, settings.address)  # noqa: S104 - only read
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
