"""Device tokens as nobody should make them: a good one, bent in one place, signed with whatever is said.

In the corpus: `!token {}` is the good one of the case's own device; every key bends it.

    of: revoked                 whose good token it begins with (`own` if nothing is said)
    header: {alg: none}         header fields, put in place of the good ones
    claims: {exp: !now -10}     claims, likewise; `!now N` is N seconds from now
    without: [kid, exp]         header fields and claims left out
    raw_claims: '{"exp":1,…}'   the claims' JSON, as it is
    hmac: HS512                 what it is really signed with (HS256)
    signed: ours                with our secret; `foreign`, `empty`: with another one; `nothing`: not at all
    before, after: " "          text around it
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tests.hostile.yaml_node import CorpusError, Node, StrictLoader

OWN: Final = "own"
# Whose tokens the world has ready; `own` is the case's device.
OWNERS: Final = frozenset({OWN, "honest", "revoked", "removed", "replaced", "nobody"})

_HASHES: Final[Mapping[str, Any]] = {
    "HS256": hashlib.sha256,
    "HS384": hashlib.sha384,
    "HS512": hashlib.sha512,
}
_SIGNED: Final = frozenset({"ours", "foreign", "empty", "nothing"})


@dataclass(frozen=True, slots=True)
class Now:
    """A time, in seconds from when it is sent."""

    offset: float


@dataclass(frozen=True, slots=True)
class TokenSpec:
    """How a token is made; the module's docstring says what each field means."""

    of: str = OWN
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    raw_claims: str | None = None
    hmac: str = "HS256"
    signed: str = "ours"
    before: str = ""
    after: str = ""


def forged(spec: TokenSpec, good: str, secret: str) -> str:
    """A token as `spec` says, made from a `good` one, with our `secret` where it is signed with ours."""
    header, claims = (json.loads(_decoded(part)) for part in good.split(".")[:2])
    header = {**header, **_resolved(spec.header)}
    claims = {**claims, **_resolved(spec.claims)}
    for name in spec.without:
        header.pop(name, None)
        claims.pop(name, None)
    body = json.dumps(claims) if spec.raw_claims is None else spec.raw_claims
    signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(body.encode())}"
    return f"{spec.before}{signed}.{_signature(spec, signed, secret)}{spec.after}"


def _signature(spec: TokenSpec, signed: str, secret: str) -> str:
    if spec.signed == "nothing":
        return ""
    key = {"ours": secret, "foreign": "f" * 48, "empty": ""}[spec.signed]
    return _encoded(hmac.new(key.encode(), signed.encode(), _HASHES[spec.hmac]).digest())


def _resolved(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: int(time.time() + value.offset) if isinstance(value, Now) else value
        for name, value in values.items()
    }


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _token(loader: StrictLoader, node: yaml.MappingNode) -> TokenSpec:
    where = Node(loader.construct_mapping(node, deep=True), f"!token in line {node.start_mark.line + 1}")
    optional = ("of", "header", "claims", "without", "raw_claims", "hmac", "signed", "before", "after")
    fields = where.fields(optional=optional)
    texts: dict[str, Any] = {
        key: fields[key].text() for key in ("raw_claims", "before", "after") if key in fields
    }
    for key, among in (("of", OWNERS), ("hmac", _HASHES), ("signed", _SIGNED)):
        if key in fields:
            texts[key] = fields[key].text(among=among)
    given: dict[str, Any] = {key: fields[key].value for key in ("header", "claims") if key in fields}
    if "without" in fields:
        given["without"] = fields["without"].texts()
    return TokenSpec(**texts, **given)


def _now(loader: StrictLoader, node: yaml.ScalarNode) -> Now:
    try:
        return Now(float(loader.construct_scalar(node)))
    except ValueError:
        raise CorpusError(f"!now in line {node.start_mark.line + 1}: is no number of seconds") from None


StrictLoader.add_constructor("!token", _token)
StrictLoader.add_constructor("!now", _now)
