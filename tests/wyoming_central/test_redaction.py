from __future__ import annotations

import time

import jwt
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from wyoming_central.redaction import MASK, clean, clean_lines, is_secret_key, redact

KEY = Fernet.generate_key().decode()
JWT = jwt.encode({"sub": "device", "jti": "0123456789abcdef"}, "k" * 32, algorithm="HS256")
FERNET = Fernet(KEY).encrypt(b"a long-lived token").decode()


@pytest.mark.parametrize(
    "secret",
    [JWT, FERNET, KEY, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"],
    ids=["jwt", "fernet", "key", "argon2"],
)
@pytest.mark.parametrize(
    "around", ["{}", "it was {} again", "'{}'", '{{"x": "{}"}}', "/path?x={}&y=1", "({})"]
)
def test_a_secret_is_known_by_its_form_wherever_it_stands(secret: str, around: str) -> None:
    told = redact(around.format(secret))
    assert secret not in told
    assert MASK in told


@pytest.mark.parametrize("length", [20, 40, len(JWT) - 1], ids=["short", "middle", "all but one"])
def test_the_beginning_of_a_token_is_masked_like_the_whole(length: int) -> None:
    assert redact(f"got {JWT[:length]}") == f"got {MASK}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("bearer abcdef0123456789.", "bearer ***"),
        ("postgresql+asyncpg://wyoming:hunter2@db/x", "postgresql+asyncpg://wyoming:***@db/x"),
        ("http://u:p@ss:w/rd@h/x", "http://u:***@h/x"),
        ("?access_token=hunter2&x=1", "?access_token=***&x=1"),
        ("{'password': 'hunter2', 'n': 1}", "{'password': '***', 'n': 1}"),
        ('{"api_key":"hunter2"}', '{"api_key":"***"}'),
        ("PASSWORD = hunter2", "PASSWORD = ***"),
        ("token: 0123456789abcdef0123", "token: ***"),
    ],
)
def test_a_secret_is_known_by_what_stands_before_it(text: str, told: str) -> None:
    assert redact(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "the token has expired",
        "token: expired",
        "bad password",
        "3f2a9c1b5d6e4f708192a3b4c5d6e7f8",
        "http://127.0.0.1:8200/api",
        "user@example.org",
        "basic auth",
        "Kapcsold fel a lámpát!",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "password",
        "password_hash",
        "clientSecret",
        "JWT_SECRET",
        "encryption_key",
        "Authorization",
    ],
)
def test_keys_of_secrets_are_known(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["token_id", "llm_token_count", "tokenizer", "key", "user_id", "secrets_dir", "", "___"]
)
def test_other_keys_are_not(key: str) -> None:
    assert not is_secret_key(key)


def test_a_stranger_cannot_begin_a_line_colour_it_or_turn_it_round() -> None:
    assert (
        clean('a\r\n{"level":"error"}\x1b[31m\u202eb\x00', limit=100)
        == 'a {"level":"error"}\ufffd[31m\ufffdb\ufffd'
    )


def test_text_is_cut_with_an_ellipsis() -> None:
    assert clean("x" * 11, limit=10) == "x" * 9 + "…"
    assert clean("x" * 10, limit=10) == "x" * 10


@given(st.text(), st.integers(1, 40))
def test_cleaned_text_is_one_short_line_that_every_encoder_takes(text: str, limit: int) -> None:
    told = clean(text, limit=limit)
    assert len(told) <= limit
    assert len(told.splitlines()) <= 1
    assert "\x1b" not in told
    told.encode()


@given(st.text())
def test_lines_keep_their_breaks_and_nothing_else_that_controls(text: str) -> None:
    told = clean_lines(text)
    assert told.count("\n") == text.count("\n")
    assert "\r" not in told
    told.encode()


@pytest.mark.parametrize(
    "piece", ["eyJ", "gAAAA", "token=", "token ", "://a:", "bearer ", "a" * 44, "-", '"', "password : "]
)
def test_a_hostile_text_does_not_slow_the_patterns_down(piece: str) -> None:
    # Linear patterns need about 1 ms for this; one that backtracks needs seconds.
    text = piece * (20_000 // len(piece))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 0.2
