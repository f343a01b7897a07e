"""The corpus is read strictly: a case that says what nobody understands is an error that says where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from handlers.device_token import TokenKeys
from handlers.errors import AuthenticationError
from tests.hostile.corpus import HERE, Case, Speaker, read_corpus
from tests.hostile.expectation import End
from tests.hostile.pieces import bytes_of, piece_of, texts_of, tokens_in
from tests.hostile.tokens import TokenSpec, forged
from tests.hostile.yaml_node import CorpusError, Node, read_file

SECRET = "s" * 40
NOW = 1_700_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    shutil.copy(HERE / "servers.yaml", tmp_path)
    return tmp_path


def cases(folder: Path, text: str) -> tuple[Case, ...]:
    (folder / "corpus" / "theme.yaml").write_text(text)
    return read_corpus(folder).cases


def piece(folder: Path, text: str) -> bytes:
    path = folder / "piece.yaml"
    path.write_text(text)
    return bytes_of(piece_of(read_file(path)), lambda spec: f"token of {spec.of}")


def test_the_corpus_itself_can_be_read_and_has_not_shrunk() -> None:
    assert len(read_corpus().cases) >= 450


def test_a_case_in_short_is_one_act_of_one_stranger(folder: Path) -> None:
    [case] = cases(folder, '- {name: n, steps: [{send: "x"}], refused: bad-json}')
    [act] = case.acts
    assert (case.theme, case.server, case.slow) == ("theme", "usual", False)
    assert (act.speaker, act.peers, act.times) == (Speaker.STRANGER, 1, 1)
    assert (act.expect.end, [str(answer) for answer in act.expect.answers]) == (
        End.CLOSED,
        ["error bad-json"],
    )


def test_the_line_of_an_outcome_is_expected_of_every_connection(folder: Path) -> None:
    [case] = cases(folder, "- {name: n, peers: 3, times: 2, steps: [], refused: bad-json}")
    [line] = case.acts[0].expect.log
    assert (line.least, line.most) == (6, 6)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- {steps: [], ignored: true}", "theme.yaml 1: lacks 'name'"),
        ("- {name: n, steps: [], ignored: true, sever: usual}", "theme.yaml: 'n': does not know 'sever'"),
        ("- {name: n, steps: [], ignored: true, server: x}", "'n': server: is 'x'"),
        ("- {name: n, steps: []}", "'n': needs exactly one of"),
        ("- {name: n, steps: [], ignored: true, refused: x}", "'n': needs exactly one of"),
        ("- {name: n, steps: [], ignored: false}", "'n': ignored: can only be true"),
        ("- {name: n, steps: [], turn: x}", "'n': turn: is 'x'"),
        ("- {name: n, ignored: true}", "'n': lacks 'steps'"),
        ("- {name: n, steps: [sned], ignored: true}", "'n': steps 1: is 'sned'"),
        ("- {name: n, steps: [{sned: x}], ignored: true}", "'n': steps 1: does not know 'sned'"),
        ("- {name: n, steps: [{send: 7}], ignored: true}", "'n': steps 1: send: is no piece"),
        ("- {name: n, steps: [{send: [x, {hex: zz}]}], ignored: true}", "send 2: hex: is no hexadecimal"),
        ("- {name: n, steps: [], peers: 0, ignored: true}", "'n': peers: is no whole number of 1"),
        ("- {name: n, steps: [], peers: true, ignored: true}", "'n': peers: is no whole number"),
        ("- {name: n, steps: [], within: -1, ignored: true}", "'n': within: is no time"),
        ("- {name: n, steps: [], expect: {answers: []}}", "'n': expect: lacks 'log'"),
        ("- {name: n, steps: [], expect: {log: []}}", "'n': expect: needs either answers or together"),
        ("- {name: n, steps: [], expect: {answers: [], end: x, log: []}}", "'n': expect: end: is 'x'"),
        ("- {name: n, steps: [], expect: {answers: [], log: [{event: x}]}}", "log 1: lacks 'level'"),
        ("- {name: n, acts: [], ignored: true}", "'n': has acts, and what belongs into one"),
        ("- {name: n, acts: []}", "'n': has no act"),
        ("- {name: n, acts: [{steps: []}]}", "'n': acts 1: needs exactly one of"),
        (2 * "- {name: n, steps: [], ignored: true}\n", "'n': is the name of two cases"),
        ("- {name: n, name: m, steps: [], ignored: true}", "theme.yaml: 'name' occurs twice"),
        (
            "- {name: n, steps: [{send: !token {offf: x}}], ignored: true}",
            "theme.yaml: !token in line 1: does not know 'offf'",
        ),
        ("- {name: n, steps: [{send: !token {of: me}}], ignored: true}", "of: is 'me'"),
        ("- {name: n, steps: [{send: !now x}], ignored: true}", "is no number of seconds"),
        ("- [", "theme.yaml: "),
        ("x", "theme.yaml: is no list"),
    ],
)
def test_what_nobody_understands_is_an_error_that_says_where(folder: Path, text: str, place: str) -> None:
    with pytest.raises(CorpusError) as raised:
        cases(folder, text)
    assert place in str(raised.value)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ('"ő\\n"', "ő\n".encode()),
        ('{hex: "00 ff"}', b"\x00\xff"),
        ("{repeat: [a, b], count: 2}", b"abab"),
        ('{numbered: "{n};", count: 3}', b"0;1;2;"),
        ("{frame: {type: ping}}", b'{"type":"ping"}\n'),
        ("{frame: {type: x, data: {a: 1}}}", b'{"type":"x","data_length":7}\n{"a":1}'),
        ("{frame: {type: x, inline: true, data: {a: 1}}}", b'{"type":"x","data":{"a":1}}\n'),
        (
            "{frame: {type: x, raw: abc, payload: d}}",
            b'{"type":"x","data_length":3,"payload_length":1}\nabcd',
        ),
        ("{frame: {type: x, raw: abc, data_length: 9}}", b'{"type":"x","data_length":9}\nabc'),
        (
            "{authenticate: !token {of: revoked}}",
            (
                b'{"type":"user-event","data_length":59}\n'
                b'{"name":"authenticate","data":{"token":"token of revoked"}}'
            ),
        ),
        ("{say: !repeat {text: ab, count: 2}}", b'{"type":"transcript","data_length":15}\n{"text":"abab"}'),
    ],
)
def test_a_piece_is_these_bytes(folder: Path, text: str, raw: bytes) -> None:
    assert piece(folder, text) == raw


def test_tokens_and_longer_texts_of_a_piece_are_what_no_log_may_repeat() -> None:
    said = piece_of(
        Node([{"say": "a sentence of a person", "token": TokenSpec()}, "header text of a frame"], "x")
    )
    assert set(texts_of(said, lambda _: "the token of the device")) == {
        "a sentence of a person",
        "the token of the device",
    }
    assert list(tokens_in(said)) == [TokenSpec()]


def test_a_token_is_good_until_it_is_bent() -> None:
    keys = TokenKeys([SECRET])
    good = keys.mint("device", now=NOW, lifetime_seconds=60).text
    assert keys.verify(forged(TokenSpec(), good, SECRET), now=NOW) == keys.verify(good, now=NOW)
    for bent in (
        TokenSpec(signed="foreign"),
        TokenSpec(signed="nothing"),
        TokenSpec(hmac="HS512"),
        TokenSpec(header={"alg": "none"}),
        TokenSpec(claims={"aud": "x"}),
        TokenSpec(without=("kid",)),
        TokenSpec(without=("exp",)),
        TokenSpec(raw_claims="{}"),
        TokenSpec(before=" "),
    ):
        with pytest.raises(AuthenticationError):
            keys.verify(forged(bent, good, SECRET), now=NOW)
