"""Device tokens: what is accepted, what is refused, and that nothing leaks."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.device_token import ALGORITHM, AUDIENCE, ISSUER, MAX_TOKEN_LENGTH, TokenKeys
from handlers.errors import AuthenticationError

SECRET = "a-secret-of-thirty-two-bytes-or-more!"
OTHER_SECRET = "another-secret-of-thirty-two-bytes-or-more"
NOW = 1_800_000_000.0
DAY = 86_400.0

keys = TokenKeys([SECRET])


def forged(**changes: object) -> str:
    """A token with our own signature and `kid`, but other claims; a claim set to None is left out."""
    header = jwt.get_unverified_header(keys.mint("d1", now=NOW, lifetime_seconds=DAY).text)
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "d1",
        "jti": "j1",
        "iat": int(NOW),
        "exp": int(NOW + DAY),
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, SECRET, algorithm=ALGORITHM, headers={"kid": header["kid"]})


def test_a_minted_token_verifies_and_names_its_device() -> None:
    token = keys.mint("d1", now=NOW, lifetime_seconds=DAY)
    claims = keys.verify(token.text, now=NOW + 1)
    assert (claims.device_id, claims.token_id, claims.expires_at) == ("d1", token.token_id, NOW + DAY)


def test_every_token_has_an_id_of_its_own() -> None:
    ids = {keys.mint("d1", now=NOW, lifetime_seconds=DAY).token_id for _ in range(100)}
    assert len(ids) == 100


def test_a_token_says_nothing_about_the_user() -> None:
    claims = jwt.decode(
        keys.mint("d1", now=NOW, lifetime_seconds=DAY).text, options={"verify_signature": False}
    )
    assert set(claims) == {"iss", "aud", "sub", "jti", "iat", "exp"}


def test_the_repr_of_a_token_does_not_contain_it() -> None:
    token = keys.mint("d1", now=NOW, lifetime_seconds=DAY)
    assert token.text not in repr(token)


def test_an_older_secret_still_verifies_and_only_the_newest_signs() -> None:
    old = keys.mint("d1", now=NOW, lifetime_seconds=DAY)
    both = TokenKeys([OTHER_SECRET, SECRET])
    assert both.verify(old.text, now=NOW).device_id == "d1"
    new = both.mint("d1", now=NOW, lifetime_seconds=DAY)
    with pytest.raises(AuthenticationError, match="retired"):
        keys.verify(new.text, now=NOW)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"exp": float("nan")}, "not a time"),
        ({"exp": float("inf")}, "not a time"),
        ({"exp": 10**400}, "not a time"),
        ({"iat": float("nan")}, "not a time"),
        ({"nbf": NOW + DAY}, "not valid yet"),
        ({"nbf": "tomorrow"}, "not a time"),
        ({"exp": int(NOW)}, "expired"),
        ({"exp": "soon"}, "signature is not valid|not a time"),
        ({"exp": True}, "not a time"),
        ({"exp": None}, "lacks the claim 'exp'"),
        ({"iat": int(NOW + 3600)}, "future"),
        ({"iat": None}, "lacks the claim 'iat'"),
        ({"aud": "somebody-else"}, "another audience"),
        ({"aud": None}, "lacks the claim 'aud'"),
        ({"iss": "somebody-else"}, "issued by somebody else"),
        ({"iss": None}, "lacks the claim 'iss'"),
        ({"jti": None}, "lacks the claim 'jti'"),
        ({"sub": None}, "lacks the claim 'sub'"),
    ],
)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(AuthenticationError, match=fault):
        keys.verify(forged(**changes), now=NOW)


def test_a_token_is_valid_until_the_second_before_it_expires() -> None:
    token = keys.mint("d1", now=NOW, lifetime_seconds=10)
    assert keys.verify(token.text, now=NOW + 9.9)
    with pytest.raises(AuthenticationError, match="expired"):
        keys.verify(token.text, now=NOW + 10)


def test_an_unsigned_token_is_refused_whatever_it_claims() -> None:
    def part(data: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    kid = jwt.get_unverified_header(keys.mint("d1", now=NOW, lifetime_seconds=DAY).text)["kid"]
    claims = jwt.decode(forged(), options={"verify_signature": False})
    for algorithm in ("none", "None", "HS512", "RS256"):
        token = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{part(claims)}."
        with pytest.raises(AuthenticationError, match="not signed with HS256"):
            keys.verify(token, now=NOW)


def test_a_wrong_kid_is_refused_before_the_signature_is_looked_at() -> None:
    token = jwt.encode({"sub": "d1"}, SECRET, algorithm=ALGORITHM, headers={"kid": "nobody"})
    with pytest.raises(AuthenticationError, match="not ours"):
        keys.verify(token, now=NOW)


def test_a_token_without_kid_is_refused() -> None:
    with pytest.raises(AuthenticationError, match="not ours"):
        keys.verify(jwt.encode({"sub": "d1"}, SECRET, algorithm=ALGORITHM), now=NOW)


def test_a_changed_byte_of_the_signature_is_noticed() -> None:
    text = keys.mint("d1", now=NOW, lifetime_seconds=DAY).text
    head, body, signature = text.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    with pytest.raises(AuthenticationError, match="signature"):
        keys.verify(f"{head}.{body}.{changed}", now=NOW)


def test_an_overlong_token_is_refused_unread() -> None:
    with pytest.raises(AuthenticationError, match="too long"):
        keys.verify("a" * (MAX_TOKEN_LENGTH + 1), now=NOW)


@given(st.text(max_size=300))
def test_arbitrary_text_is_refused_and_never_repeated_in_the_message(text: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        keys.verify(text, now=NOW)
    assert len(text) < 12 or text not in str(caught.value)


@given(st.text(alphabet="abcdefgh.ABC-_=", min_size=3, max_size=200))
def test_arbitrary_jwt_shaped_text_is_refused(text: str) -> None:
    with pytest.raises(AuthenticationError):
        keys.verify(text, now=NOW)
