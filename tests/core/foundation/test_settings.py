"""The settings in the environment, and the errors for wrong ones."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from core.foundation.addresses import libpq_url, seconds_to_connect
from core.foundation.errors import InvalidSetting
from core.foundation.settings import GUARD_KEY, IN_A_FILE, SECRETS, Settings, load_settings, with_secrets

URL = "postgresql://mia:secret@db.example:5433/shop"
NORMAL = "postgresql+psycopg://mia:secret@db.example:5433/shop"


def test_without_settings_stockroom_uses_the_embedded_database_and_listens_only_locally() -> None:
    settings = load_settings({})
    assert settings.embedded
    assert (settings.database_url, settings.owner_url) == (None, None)
    assert (settings.address, settings.port, settings.sample) == ("127.0.0.1", 8501, True)
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "stockroom"


def test_an_empty_variable_counts_as_unset() -> None:
    names = ["DATABASE_URL", "STOCKROOM_OWNER_URL", "STOCKROOM_DATA", "STOCKROOM_PORT", "STOCKROOM_SAMPLE"]
    assert load_settings(dict.fromkeys(names, " ")) == load_settings({})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_a_postgresql_url_is_accepted(scheme: str) -> None:
    settings = load_settings({"DATABASE_URL": f"{scheme}://mia:secret@db.example:5433/shop"})
    assert (settings.database_url, settings.owner_url) == (NORMAL, NORMAL)
    assert not settings.embedded


def test_the_owners_url_may_differ_from_the_apps() -> None:
    settings = load_settings({"DATABASE_URL": URL, "STOCKROOM_OWNER_URL": "postgres://boss:s@db.example/shop"})
    assert settings.database_url == NORMAL
    assert settings.owner_url == "postgresql+psycopg://boss:s@db.example/shop"


def test_a_password_with_special_characters_stays_unchanged() -> None:
    settings = load_settings({"DATABASE_URL": "postgres://mia:p%40ss%2Fw%3Ard%25@h/shop"})
    assert make_url(settings.database_url or "").password == "p@ss/w:rd%"


def test_a_space_in_a_password_reaches_the_driver_and_postgresqls_own_programs() -> None:
    found = load_settings({"DATABASE_URL": "postgresql://ann%20smith:a%20b+c@h/shop"}).database_url or ""
    assert (make_url(found).username, make_url(found).password) == ("ann smith", "a b+c")
    read = conninfo_to_dict(libpq_url(found))
    assert (read["user"], read["password"]) == ("ann smith", "a b+c")


def test_a_space_in_an_option_is_written_so_that_postgresqls_own_programs_read_it_too() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://mia@/shop?host=/my run/a%2Bb"})
    assert settings.database_url == "postgresql+psycopg://mia@/shop?host=%2Fmy%20run%2Fa%2Bb"


def test_options_of_other_clients_are_removed_and_those_of_postgresql_kept() -> None:
    url = f"{URL}?pgbouncer=true&connection_limit=1&sslmode=require"
    assert load_settings({"DATABASE_URL": url}).database_url == f"{NORMAL}?sslmode=require"


def test_a_url_may_name_a_socket() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://mia@/shop?host=/run/postgresql"})
    assert make_url(settings.database_url or "").query["host"] == "/run/postgresql"


TWO = "postgresql+psycopg://mia:secret@/shop?connect_timeout=2&host=a,b&port=5432,5433&target_session_attrs=read-write"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://mia:secret@/shop?host=a:5432&host=b:5433&target_session_attrs=read-write",
        "postgresql://mia:secret@/shop?host=a&host=b:5433",
        "postgresql://mia:secret@/shop?host=a,b&port=5432,5433",
        "postgresql://mia:secret@a,b:5433/shop",
    ],
)
def test_several_hosts_have_one_spelling_which_the_driver_and_postgresqls_own_programs_read_alike(url: str) -> None:
    found = load_settings({"DATABASE_URL": url}).database_url or ""
    assert found == TWO
    _, driver = create_engine(found).dialect.create_connect_args(make_url(found))
    driver.pop("context", None)  # how values are converted
    assert driver == conninfo_to_dict(libpq_url(found))
    assert driver["host"] == "a,b"


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("host=/run/a:5432&host=/run/b:5433", "/run/a,/run/b", "5432,5433"),
        ("host=[::1]:5433&host=::2", "::1,::2", "5433,5432"),
        ("host=a,b&port=6000", "a,b", "6000,6000"),
        ("host=a:99", "a", "99"),
        ("host=/run/a", "/run/a", None),
    ],
)
def test_hosts_may_be_sockets_and_addresses_and_share_a_port(hosts: str, host: str, port: str | None) -> None:
    found = conninfo_to_dict(
        libpq_url(load_settings({"DATABASE_URL": f"postgres://@/shop?{hosts}"}).database_url or "")
    )
    assert (found["host"], found.get("port")) == (host, port)


def test_options_that_a_url_with_several_hosts_names_itself_are_kept() -> None:
    url = "postgres://@/shop?host=a&host=b&target_session_attrs=any&connect_timeout=7"
    found = conninfo_to_dict(libpq_url(load_settings({"DATABASE_URL": url}).database_url or ""))
    assert (found["target_session_attrs"], found["connect_timeout"]) == ("any", "7")
    assert seconds_to_connect(url, 5) == 7
    assert seconds_to_connect(URL, 5) == 5


@pytest.mark.parametrize("name", ["DATABASE_URL", "STOCKROOM_OWNER_URL"])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://mia:secret@h/shop", "begins with mysql://"),
        ("host=h dbname=shop password=secret", "not the URL of a database"),
        ("postgresql://mia:secret@h:port/shop", "not the URL of a database"),
        ("postgresql://mia:secret@h:5432", "names no database"),
        ("postgresql://mia:secret@h/shop?colour=red", "has the option colour"),
        ("postgresql://mia:secret@/shop?host=a:1&host=b&port=2", "has ports that do not fit"),
        ("postgresql://mia:secret@/shop?host=a,b&port=1,2,3", "has ports that do not fit"),
        ("postgresql://mia:secret@a:x,b/shop", "has ports that do not fit"),
        ("postgresql://mia:my@secret@h:5432/shop", "must be percent-encoded"),
        ("postgresql://mia:my@secret:4@h:5432/shop", "must be percent-encoded"),
        ("postgresql://mia:my@secret/1@h/shop", "must be percent-encoded"),
        ("postgresql://mia:my@secret@a,b/shop", "must be percent-encoded"),
        ("postgresql://mia:my@secret/1?secret=2@h/shop", "must be percent-encoded"),
        ("postgresql://mia:secret%00@h/shop", "must be percent-encoded"),
    ],
)
def test_a_wrong_database_url_is_refused_with_a_reason_and_without_its_password(
    name: str, url: str, reason: str
) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        load_settings({"DATABASE_URL": URL, name: url})
    assert refusal.value.message.startswith(f"{name} ")
    assert reason in refusal.value.message
    assert "secret" not in refusal.value.message


def test_replicas_are_named_one_after_the_other_and_refused_without_their_passwords() -> None:
    found = load_settings({"STOCKROOM_READ_URL": f" {URL}  postgres://mia:secret@db.example:5433/shop "})
    assert found.read_urls == (NORMAL, NORMAL)
    assert "secret" not in repr(found)
    two_hosts = "postgresql://mia:secret@/shop?host=a"
    for wrong, why in ((f"{URL},{URL}", "comma"), (f"{two_hosts},b", "comma"), (f"{two_hosts}&host=b", "several hosts"),
                       ("mysql://mia:secret@db/shop", "needs PostgreSQL"),
                       (" ".join([URL] * 9), "at most 8")):  # fmt: skip
        with pytest.raises(InvalidSetting, match=why) as refused:
            load_settings({"STOCKROOM_READ_URL": wrong})
        assert "secret" not in str(refused.value)


def test_an_owners_url_alone_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="set both, or neither"):
        load_settings({"STOCKROOM_OWNER_URL": URL})


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "²", "9" * 5000])
def test_a_wrong_port_is_refused_with_a_valid_example(port: str) -> None:
    with pytest.raises(InvalidSetting, match="a number from 1 to 65535, such as 8501"):
        load_settings({"STOCKROOM_PORT": port})


def test_the_port_and_the_address_can_be_chosen() -> None:
    settings = load_settings({"STOCKROOM_PORT": " 80 ", "STOCKROOM_ADDRESS": "0.0.0.0"})
    assert (settings.port, settings.address) == (80, "0.0.0.0")


@pytest.mark.parametrize(
    ("text", "sample"), [("0", False), ("no", False), ("FALSE", False), ("off", False), ("1", True), ("Yes", True)]
)
def test_the_sample_shop_can_be_declined(text: str, sample: bool) -> None:
    assert load_settings({"STOCKROOM_SAMPLE": text}).sample is sample


def test_an_unclear_value_for_the_sample_shop_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="STOCKROOM_SAMPLE is 'maybe': use 1"):
        load_settings({"STOCKROOM_SAMPLE": "maybe"})


@pytest.mark.parametrize(("text", "worker"), [("", True), ("1", True), ("0", False), ("off", False)])
def test_the_jobs_can_be_left_to_separate_workers(text: str, worker: bool) -> None:
    assert load_settings({"STOCKROOM_WORKER": text}).worker is worker


def test_the_data_folder_can_be_chosen_also_relative_to_home_or_here() -> None:
    assert load_settings({"STOCKROOM_DATA": "~/shop"}).data_dir == Path.home() / "shop"
    assert load_settings({"STOCKROOM_DATA": "shop"}).data_dir == Path.cwd() / "shop"


def test_under_root_the_data_folder_is_not_in_roots_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert load_settings({}).data_dir == Path("/var/lib/stockroom")


def test_a_users_data_folder_is_in_their_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert load_settings({}).data_dir.is_relative_to(Path.home())


def test_no_proxy_is_trusted_unless_it_is_listed() -> None:
    assert load_settings({}).trusted_proxies == ()
    assert load_settings({"STOCKROOM_TRUSTED_PROXIES": " , "}).trusted_proxies == ()


def test_cors_origins_must_be_complete() -> None:
    named = load_settings({"STOCKROOM_CORS_ORIGINS": "https://shop.example, http://localhost:3000"})
    assert named.cors_origins == ("https://shop.example", "http://localhost:3000")
    assert load_settings({}).cors_origins == ()
    for wrong in ("*", "shop.example", "https://shop.example/path", "ftp://shop.example"):
        with pytest.raises(InvalidSetting, match="STOCKROOM_CORS_ORIGINS"):
            load_settings({"STOCKROOM_CORS_ORIGINS": wrong})


def test_unverified_stock_is_sold_only_if_the_shop_allows_it() -> None:
    assert load_settings({}).sell_unverified is False
    assert load_settings({"STOCKROOM_SELL_UNVERIFIED": "1"}).sell_unverified is True


def test_proxies_are_addresses_or_networks_and_also_match_in_ipv6_form() -> None:
    settings = load_settings({"STOCKROOM_TRUSTED_PROXIES": "192.0.2.7, 10.0.0.0/8,2001:db8::1"})
    assert settings.trusted_proxies == (
        "192.0.2.7/32", "::ffff:192.0.2.7/128", "10.0.0.0/8", "::ffff:10.0.0.0/104", "2001:db8::1/128",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8", "127.0.0.1;10.0.0.1"])
def test_a_proxy_that_is_no_address_or_any_address_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(InvalidSetting, match=r"such as 127\.0\.0\.1, 10\.0\.0\.0/8") as refusal:
        load_settings({"STOCKROOM_TRUSTED_PROXIES": f"127.0.0.1, {name}"})
    assert refusal.value.message.startswith(f"STOCKROOM_TRUSTED_PROXIES has {name!r}")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        setattr(load_settings({}), "port", 1)  # noqa: B010 - the type checker refuses it otherwise
    assert Settings.__slots__


# ---------------------------------------------------------------- Stripe

KEY, SECRET = "rk_live_51AbCdEfGh", "whsec_0123456789"


def test_without_a_key_stockroom_works_without_stripe() -> None:
    settings = load_settings({})
    assert (settings.stripe_secret_key, settings.stripe_webhook_secrets, settings.stripe_api_base) == (None, (), None)


def test_there_may_be_two_webhook_secrets_while_one_is_replaced() -> None:
    settings = load_settings({"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": f" {SECRET}, whsec_before,"})
    assert settings.stripe_secret_key == KEY
    assert settings.stripe_webhook_secrets == (SECRET, "whsec_before")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("STRIPE_SECRET_KEY", "pk_live_51AbCdEfGh", "publishable"),
        ("STRIPE_SECRET_KEY", "51AbCdEfGh", "begins with rk_live_"),
        ("STRIPE_SECRET_KEY", "rk_live_51AbCd\r\nEfGh", "has characters that a Stripe key cannot have"),
        ("STRIPE_SECRET_KEY", "rk_live_51AbCd...EfGh", "has characters that a Stripe key cannot have"),
        ("STRIPE_SECRET_KEY", "sk_test_x", "is too short: copy the whole key"),
        ("STRIPE_SECRET_KEY", "sk_test_" + "AbCd" * 63, "is too long"),
        ("STRIPE_SECRET_KEY", SECRET, "begins with rk_live_"),
        ("STRIPE_WEBHOOK_SECRET", KEY, "begins with whsec_"),
        ("STRIPE_WEBHOOK_SECRET", f"{SECRET};{SECRET}", "begins with whsec_"),
        ("STRIPE_API_BASE", "127.0.0.1:8420", "use the form http"),
        ("STRIPE_API_BASE", "http://mia:51AbCdEfGh@shop.example", "use the form http"),
        ("STRIPE_API_BASE", "http://shop.example:port", "use the form http"),
        ("STRIPE_API_BASE", "ftp://shop.example", "use the form http"),
        (GUARD_KEY, "sk_test_51AbCdEfGh", "is not a restricted key"),
        (GUARD_KEY, "rk_test_51", "is too short"),
    ],
)
def test_a_wrong_stripe_setting_is_refused_with_a_reason_and_never_shown(name: str, value: str, reason: str) -> None:
    with pytest.raises(InvalidSetting, match=reason) as refusal:
        load_settings({name: value})
    assert refusal.value.message.startswith(name)
    assert "AbCd" not in refusal.value.message
    assert "0123" not in refusal.value.message


def test_a_live_key_is_never_sent_over_plain_http() -> None:
    stand_in = {"STRIPE_API_BASE": "http://127.0.0.1:8420/"}
    assert load_settings(stand_in | {"STRIPE_SECRET_KEY": "sk_test_12345"}).stripe_api_base == "http://127.0.0.1:8420"
    for name in ("STRIPE_SECRET_KEY", GUARD_KEY):
        with pytest.raises(InvalidSetting, match="could read your live key"):
            load_settings(stand_in | {name: KEY})


def test_the_guards_key_is_of_the_same_mode_as_the_everyday_key() -> None:
    guards = {GUARD_KEY: "rk_test_51TheGuards"}
    assert load_settings(guards).stripe_guard_key == "rk_test_51TheGuards"
    with pytest.raises(InvalidSetting, match="of different modes"):
        load_settings(guards | {"STRIPE_SECRET_KEY": KEY})
    assert "TheGuards" not in repr(load_settings(guards))


def test_no_secret_is_shown_when_the_settings_are_printed() -> None:
    settings = load_settings({"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "DATABASE_URL": URL})
    for text in (repr(settings), str(settings), f"{settings}"):
        assert not any(hidden in text for hidden in (KEY, SECRET, "secret@"))


def test_stripes_secrets_may_be_in_a_file_and_a_variable_wins(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(f'STRIPE_SECRET_KEY = "{KEY}"\nSTRIPE_WEBHOOK_SECRET = "{SECRET}"\nother = 1\n[section]\nx = 2\n')
    assert with_secrets({}, file) == {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET}
    environ = {"STRIPE_SECRET_KEY": "sk_test_12345", "STRIPE_WEBHOOK_SECRET": " ", "PATH": "/bin"}
    assert with_secrets(environ, file) == {**environ, "STRIPE_WEBHOOK_SECRET": SECRET}
    assert with_secrets({"PATH": "/bin"}, tmp_path / "none.toml") == {"PATH": "/bin"}


@pytest.mark.parametrize("content", [f"STRIPE_SECRET_KEY = {KEY}", "STRIPE_SECRET_KEY = 51", "\xff"])
def test_an_unreadable_file_of_secrets_is_named_and_its_content_not_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secrets.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidSetting, match=r"\.streamlit/secrets\.toml") as refusal:
        with_secrets({}, file)
    assert "51" not in refusal.value.message


def test_the_example_file_of_secrets_names_every_secret_and_sets_none() -> None:
    example = SECRETS.with_name("secrets.example.toml").read_text(encoding="utf-8")
    assert tomllib.loads(example) == {}
    filled_in = tomllib.loads(re.sub(r"^# ([A-Z_]+ = )", r"\1", example, flags=re.MULTILINE))
    assert set(filled_in) == set(IN_A_FILE)


HOOK = "json://mia:hush@hooks.example/alerts"


def test_destinations_have_lower_case_names_and_are_never_printed() -> None:
    given = {"STOCKROOM_NOTIFY_TEAM": HOOK, "STOCKROOM_NOTIFY_MIA_2": HOOK, "STOCKROOM_NOTIFY_OFF": " "}
    settings = load_settings(given)
    assert dict(settings.destinations) == {"team": HOOK, "mia_2": HOOK}
    mailed = load_settings({"STOCKROOM_MAIL_URL": "mailtos://shop:hush@mail.example"})
    assert "hush" not in f"{settings!r}{mailed!r}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STOCKROOM_NOTIFY_TEAM", "hush@hooks.example"),
        ("STOCKROOM_NOTIFY_TEAM", "json://hush and more"),
        ("STOCKROOM_NOTIFY_", "json://hush.example"),
        ("STOCKROOM_NOTIFY_ORDERS", "json://hush.example"),
        ("STOCKROOM_MAIL_URL", "https://hush.example"),
        ("STOCKROOM_PUBLIC_URL", "https://hush@shop.example"),
    ],
)
def test_a_wrong_url_of_a_destination_is_named_and_not_shown(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=variable) as refusal:
        load_settings({variable: value})
    assert "hush" not in refusal.value.message


def test_links_in_messages_lead_to_the_public_url() -> None:
    assert load_settings({"STOCKROOM_PUBLIC_URL": "https://stock.example/"}).public_url == "https://stock.example"


def test_by_default_backups_are_in_the_data_folder_and_fourteen_are_kept() -> None:
    usual = load_settings({"STOCKROOM_DATA": "/shop"})
    assert (str(usual.backup_dir), usual.backups_kept) == ("/shop/backups", 14)
    told = load_settings({"STOCKROOM_BACKUPS": "/safe", "STOCKROOM_BACKUPS_KEPT": "3"})
    assert (str(told.backup_dir), told.backups_kept) == ("/safe", 3)
    with pytest.raises(InvalidSetting, match="use how many backups to keep"):
        load_settings({"STOCKROOM_BACKUPS_KEPT": "0"})
