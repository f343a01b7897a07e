from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from config.secret_strength import fault_of_fernet_key, weakness_of_fernet_key, weakness_of_secret


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("tiny", "shorter than 32 bytes"),
        ("q7Zp2Lx9Vw4Rt6Yk1Mn3Bc5Hd8Jf0G!", "shorter than 32 bytes"),
        ("please-changeme-before-going-live-9f8e7d", "placeholder"),
        ("your-256-bit-key-goes-here-0123456789abc", "placeholder"),
        ("SuperSecretSuperSafeKeyWithManyLetters12", "placeholder"),
        ("0" * 64, "too few different characters"),
        ("abababababababababababababababababab", "too few different characters"),
        ("Xy7!pQ2zKmXy7!pQ2zKmXy7!pQ2zKmXy7!pQ2zKm", "repeats itself"),
    ],
)
def test_a_weak_secret_is_known_for_what_it_is(secret: str, weakness: str) -> None:
    said = weakness_of_secret(secret)
    assert said is not None
    assert weakness in said
    assert secret not in said


@given(st.binary(min_size=32, max_size=32))
def test_only_what_is_not_random_is_called_weak(data: bytes) -> None:
    # Hypothesis likes poor bytes: what is varied enough must pass in every usual form.
    if len(set(data)) >= 24:
        for secret in (data.hex(), base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
            assert weakness_of_secret(secret) in {None, "is a placeholder"}


def test_the_length_is_counted_in_bytes() -> None:
    assert weakness_of_secret("árvíztűrőtükörfúrógép-x9Q2") is None


@pytest.mark.parametrize(
    "key", ["", "short", "A" * 43, "A" * 45, "nem Base64 ám, de negyvennégy karakter hosszú", "é" * 44]
)
def test_what_is_no_fernet_key_cannot_be_used(key: str) -> None:
    assert fault_of_fernet_key(key) is not None


def test_a_generated_fernet_key_is_usable_and_strong() -> None:
    key = Fernet.generate_key().decode()
    assert fault_of_fernet_key(key) is None
    assert weakness_of_fernet_key(key) is None


def test_a_fernet_key_of_one_byte_is_usable_but_weak() -> None:
    key = base64.urlsafe_b64encode(b"\0" * 32).decode()
    assert fault_of_fernet_key(key) is None
    assert weakness_of_fernet_key(key) is not None
