"""The second step of a sign-in: the code of an app or a recovery code, once each, within the limit of the account."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.foundation.errors import InvalidInput, SignInRequired
from core.people import accounts, browsers
from core.people import administration as people
from core.people.accounts import NewSession, TooManyTries
from core.people.factors import own, recovery, steps, totp
from core.people.factors.half import HalfSession
from core.people.factors.steps import Proof
from tests.support.builders import Shop
from tests.support.people import (
    PASSWORD,
    actor_of,
    email,
    id_of,
    new_person,
    prove,
    sign_in,
    token_of,
    use_link,
    who,
)  # fmt: skip
from tests.support.shared.second_steps import DEVICE, code, enrolled, give, half_of, proof_of, standing

__all__ = ["email"]


def with_app(shop: Shop, email: str) -> tuple[str, tuple[str, ...]]:
    secret, begun = enrolled(shop, token_of(sign_in(shop, email)))
    return secret, begun.codes


def test_the_code_of_the_app_is_asked_for_after_the_password(shop: Shop, email: str) -> None:
    secret, _ = with_app(shop, email)
    half = half_of(shop, email)
    assert not half.must_enrol
    assert who(shop, half.token) is None, "a half session opens no page"
    session = give(shop, half.token, code(secret))
    assert isinstance(session, NewSession)
    assert actor_of(shop, session.token).email == email
    assert standing(shop, half.token) is None


def test_a_one_time_link_stands_for_the_password_alone(shop: Shop, email: str) -> None:
    with_app(shop, email)
    assert isinstance(use_link(shop, shop.run(people.make_link, user_id=id_of(shop, email))), HalfSession)


def test_a_code_that_was_accepted_is_not_accepted_again(shop: Shop, email: str) -> None:
    secret, _ = with_app(shop, email)
    assert isinstance(give(shop, half_of(shop, email).token, code(secret)), NewSession)
    assert give(shop, half_of(shop, email).token, code(secret)) is None
    assert give(shop, half_of(shop, email).token, code(secret, -1)) is None, "nor an older one"
    assert isinstance(give(shop, half_of(shop, email).token, code(secret, 1)), NewSession)


def test_of_two_browsers_that_give_one_code_at_once_one_gets_in(shop: Shop, email: str) -> None:
    secret, codes = with_app(shop, email)
    for typed in (code(secret), codes[0]):
        sign_in_again(shop, email)
        halves, start = [half_of(shop, email) for _ in range(4)], threading.Barrier(4)

        def enter(half: HalfSession, typed: str = typed, start: threading.Barrier = start) -> object:
            start.wait()
            return give(shop, half.token, typed)

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(enter, halves))
        assert sorted(type(answer).__name__ for answer in answers) == ["NewSession", "NoneType", "NoneType", "NoneType"]


def test_a_code_of_another_time_or_secret_is_wrong(shop: Shop, email: str) -> None:
    secret, _ = with_app(shop, email)
    for typed in (
        code(secret, 3),
        code(secret, -3),
        code(totp.new_secret()),
        "",
        "12345",
        "1234567",
        "x" * 5000,
        "٣" * 6,
    ):
        sign_in_again(shop, email)
        assert give(shop, half_of(shop, email).token, typed) is None


def sign_in_again(shop: Shop, email: str) -> None:
    shop.sql("update stockroom.sign_in_attempts set succeeded = true where email = :email returning 1", email=email)


def test_a_half_session_has_five_tries(shop: Shop, email: str) -> None:
    secret, _ = with_app(shop, email)
    half = half_of(shop, email)
    for _ in range(5):
        sign_in_again(shop, email)
        assert give(shop, half.token, "000000") is None
    sign_in_again(shop, email)
    with pytest.raises(SignInRequired):
        give(shop, half.token, code(secret))


def test_wrong_codes_count_for_the_account_and_a_right_password_does_not_set_them_back(shop: Shop, email: str) -> None:
    secret, _ = with_app(shop, email)
    for _ in range(5):
        assert give(shop, half_of(shop, email).token, "000000") is None
    assert isinstance(sign_in(shop, email), TooManyTries)
    assert secret


def test_thirty_wrong_codes_at_once_are_five(shop: Shop, email: str) -> None:
    with_app(shop, email)
    halves, start = [half_of(shop, email) for _ in range(10)], threading.Barrier(10)

    def guess(half: HalfSession) -> object:
        start.wait()
        return [give(shop, half.token, "000000") for _ in range(3)]

    with ThreadPoolExecutor(10) as threads:
        answers = [answer for each in threads.map(guess, halves) for answer in each]  # type: ignore[attr-defined]
    assert answers.count(None) == 5
    assert all(answer is None or isinstance(answer, TooManyTries) for answer in answers)


def test_a_known_browser_gives_its_code_while_a_stranger_locks_the_account(shop: Shop, email: str) -> None:
    session = token_of(sign_in(shop, email))
    token = accounts.at_the_door(shop.engine, browsers.know, session=session, shown=None)
    secret, _ = enrolled(shop, session)
    for _ in range(5):
        give(shop, half_of(shop, email).token, "000000")
    half = half_of(shop, email, browser=token)
    assert isinstance(give(shop, half.token, code(secret), token), NewSession)


# ---------------------------------------------------------------- recovery codes


def test_each_recovery_code_signs_in_once(shop: Shop, email: str) -> None:
    _, codes = with_app(shop, email)
    assert len(set(codes)) == recovery.COUNT
    assert isinstance(give(shop, half_of(shop, email).token, codes[0].upper().replace("-", " ")), NewSession)
    assert give(shop, half_of(shop, email).token, codes[0]) is None
    session = give(shop, half_of(shop, email).token, codes[1])
    assert isinstance(session, NewSession)
    now = standing(shop, session.token)
    assert now is not None
    assert now.codes_left == recovery.COUNT - 2


def test_a_recovery_code_of_somebody_else_is_wrong(shop: Shop, email: str) -> None:
    other = new_person(shop)
    with_app(shop, email)
    _, codes = with_app(shop, other)
    assert give(shop, half_of(shop, email).token, codes[0]) is None


def test_fresh_codes_end_the_old_ones_and_need_the_password_or_a_code(shop: Shop, email: str) -> None:
    secret, begun = enrolled(shop, token := token_of(sign_in(shop, email)))
    fresh = accounts.at_the_door(
        shop.engine, own.renew_codes, token=token, proof=proof_of(shop, token, email, code(secret))
    )
    assert not set(fresh) & set(begun.codes)
    assert give(shop, half_of(shop, email).token, begun.codes[0]) is None
    assert isinstance(give(shop, half_of(shop, email).token, fresh[0]), NewSession)
    again = proof_of(shop, token, email, fresh[1])
    accounts.at_the_door(shop.engine, own.renew_codes, token=token, proof=again)
    with pytest.raises(InvalidInput):
        accounts.at_the_door(shop.engine, own.renew_codes, token=token, proof=again)


def test_no_table_keeps_a_recovery_code_in_clear(shop: Shop, email: str) -> None:
    _, codes = with_app(shop, email)
    kept = {bytes(row.code_hash) for row in shop.rows("select code_hash from stockroom.recovery_codes")}
    assert {recovery.code_hash(each) for each in codes} <= kept
    assert not {each.replace("-", "").encode() for each in codes} & kept


# ---------------------------------------------------------------- setting up and removing


def test_two_pages_that_set_up_an_app_show_one_secret_and_the_second_is_refused(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    earlier = accounts.at_the_door(shop.engine, own.begin_app, token=token)
    secret, begun = enrolled(shop, token)
    assert (secret, len(begun.codes)) == (earlier, recovery.COUNT)
    assert begun.session is None
    with pytest.raises(InvalidInput):
        accounts.at_the_door(shop.engine, own.confirm_app, token=token, secret=earlier, code=code(earlier), **DEVICE)
    with pytest.raises(InvalidInput):
        accounts.at_the_door(shop.engine, own.begin_app, token=token)


def test_of_two_who_confirm_at_once_one_gets_the_recovery_codes_that_count(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    secret = accounts.at_the_door(shop.engine, own.begin_app, token=token)
    start = threading.Barrier(4)

    def confirm(_: int) -> tuple[str, ...]:
        start.wait()
        try:
            values = {"token": token, "secret": secret, "code": code(secret)}
            return accounts.at_the_door(shop.engine, own.confirm_app, **values, **DEVICE).codes  # type: ignore[arg-type]
        except InvalidInput:
            return ()

    with ThreadPoolExecutor(4) as threads:
        [codes] = [found for found in threads.map(confirm, range(4)) if found]
    assert isinstance(give(shop, half_of(shop, email).token, codes[0]), NewSession)


def test_a_session_that_somebody_took_over_adds_no_app_beside_a_passkey(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    earlier = accounts.at_the_door(shop.engine, own.begin_app, token=token)
    with_passkey(shop, email)
    with pytest.raises(InvalidInput, match="Password or code is not right"):
        accounts.at_the_door(shop.engine, own.begin_app, token=token)
    with pytest.raises(InvalidInput, match="begin again"):
        accounts.at_the_door(shop.engine, own.confirm_app, token=token, secret=earlier, code=code(earlier), **DEVICE)
    values = {"token": token, "email": email, "typed": PASSWORD, "address": "10.0.0.9"}
    proof = steps.prove(shop.engine, **values)
    assert isinstance(proof, Proof)
    secret = accounts.at_the_door(shop.engine, own.begin_app, token=token, proof=proof)
    begun = accounts.at_the_door(shop.engine, own.confirm_app, token=token, secret=secret, code=code(secret), **DEVICE)
    assert begun.codes == ()


def with_passkey(shop: Shop, email: str) -> None:
    """Give a person a passkey, as `add_passkey` stores one."""
    shop.sql(
        "insert into stockroom.passkeys (user_id, credential_id, public_key, sign_count, name)"
        f" values ({id_of(shop, email)}, sha256('{email}'), '', 0, 'Key')"
    )


def test_an_app_that_is_not_confirmed_is_not_asked_for(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    secret = accounts.at_the_door(shop.engine, own.begin_app, token=token)
    with pytest.raises(InvalidInput):
        accounts.at_the_door(shop.engine, own.confirm_app, token=token, secret=secret, code="000000", **DEVICE)
    assert isinstance(sign_in(shop, email), NewSession)


def test_setting_up_an_app_signs_out_the_other_browsers(shop: Shop, email: str) -> None:
    other, token = token_of(sign_in(shop, email)), token_of(sign_in(shop, email))
    enrolled(shop, token)
    assert who(shop, other) is None
    assert who(shop, token) is not None


@pytest.mark.parametrize("by", ["password", "code"])
def test_an_app_is_removed_with_the_password_or_a_code(shop: Shop, email: str, by: str) -> None:
    token = token_of(sign_in(shop, email))
    secret, begun = enrolled(shop, token)
    typed = PASSWORD if by == "password" else code(secret)
    accounts.at_the_door(shop.engine, own.remove, token=token, proof=proof_of(shop, token, email, typed))
    assert isinstance(sign_in(shop, email), NewSession)
    assert shop.sql("select count(*) from stockroom.recovery_codes where user_id = :id", id=id_of(shop, email)) == 0
    with pytest.raises(InvalidInput):  # a page that was opened before
        accounts.at_the_door(shop.engine, own.remove, token=token, proof=proof_of(shop, token, email, PASSWORD))
    assert begun.codes


def test_a_proof_of_another_password_removes_nothing(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    enrolled(shop, token)
    stranger = prove(shop, new_person(shop))
    forged = Proof(attempt_id=stranger.attempt_id, password_hash=stranger.password_hash)
    with pytest.raises(InvalidInput):
        accounts.at_the_door(shop.engine, own.remove, token=token, proof=forged)
    assert isinstance(sign_in(shop, email), HalfSession)


def test_a_half_session_manages_nothing(shop: Shop, email: str) -> None:
    secret, codes = with_app(shop, email)
    half = half_of(shop, email)
    proof = steps.prove_code(shop.engine, token=half.token, code=codes[0], address="x")
    assert isinstance(proof, Proof)
    for refused in (own.remove, own.renew_codes):
        with pytest.raises(SignInRequired):
            accounts.at_the_door(shop.engine, refused, token=half.token, proof=proof)
    with pytest.raises(SignInRequired):
        accounts.at_the_door(shop.engine, own.begin_app, token=half.token)
    assert secret


def test_a_half_session_ends_with_the_account_the_password_and_ten_minutes(shop: Shop, email: str) -> None:
    session = token_of(sign_in(shop, email))
    secret, _ = enrolled(shop, session)
    half = half_of(shop, email)
    shop.run(accounts.set_own_password, actor_of(shop, session), password=PASSWORD + "!", proof=prove(shop, email))
    assert standing(shop, half.token) is None
    half = half_of(shop, email, password=PASSWORD + "!")
    shop.sql(
        "update stockroom.half_sessions set expires_at = now() where user_id = :id returning 1", id=id_of(shop, email)
    )
    assert standing(shop, half.token) is None
    half = half_of(shop, email, password=PASSWORD + "!")
    shop.run(people.set_active, user_id=id_of(shop, email), active=False)
    with pytest.raises(SignInRequired):
        give(shop, half.token, code(secret))


def test_the_app_of_the_dashboard_reads_no_secret(shop: Shop) -> None:
    for table in ("authenticators", "passkeys", "recovery_codes", "half_sessions", "challenges", "identities"):
        with pytest.raises(Exception, match="permission denied"), shop.engine.begin() as connection:
            connection.exec_driver_sql(f"select * from stockroom.{table}")
