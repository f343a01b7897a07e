from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import SecretError
from storage.secret_box import SecretBox

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@given(st.text())
def test_what_was_encrypted_comes_back_and_does_not_show(secret: str) -> None:
    box = SecretBox([NEW])
    stored = box.encrypt(secret)
    assert box.decrypt(stored) == secret
    assert len(secret) < 8 or secret not in stored


def test_the_newest_key_encrypts_and_older_ones_still_decrypt() -> None:
    stored = SecretBox([OLD]).encrypt("token")
    both = SecretBox([NEW, OLD])
    assert both.decrypt(stored) == "token"
    assert SecretBox([NEW]).decrypt(both.encrypt("token")) == "token"


def test_rotated_secrets_need_the_old_key_no_more() -> None:
    rotated = SecretBox([NEW, OLD]).rotate(SecretBox([OLD]).encrypt("token"))
    assert SecretBox([NEW]).decrypt(rotated) == "token"


@pytest.mark.parametrize(
    "stored",
    ["", "no-token", "gAAAAAé", SecretBox([OLD]).encrypt("x")],
    ids=["empty", "no token", "not ASCII", "another key's"],
)
def test_what_no_key_opens_is_refused_with_a_way_out(stored: str) -> None:
    box = SecretBox([NEW])
    for operation in (box.decrypt, box.rotate):
        with pytest.raises(SecretError) as caught:
            operation(stored)
        assert caught.value.remedy is not None
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("keys", [[], [""], ["short"], [NEW, "not base64 at all!"], [NEW + "é"]])
def test_a_malformed_key_is_refused_without_showing_it(keys: list[str]) -> None:
    with pytest.raises(SecretError) as caught:
        SecretBox(keys)
    assert not any(key and key in str(caught.value) for key in keys)


def test_no_repr_shows_a_key() -> None:
    assert NEW not in repr(SecretBox([NEW]))
    assert NEW not in repr(vars(SecretBox([NEW])))
