"""Whatever JSON can say, with a liking for the words that Home Assistant's messages are made of."""

from __future__ import annotations

from hypothesis import strategies as st

_KEYS = st.sampled_from([
    "area_id", "name", "aliases", "floor_id", "id", "options", "conversation", "should_expose", "device_id",
    "exposed_entities", "language", "country", "time_zone", "unit_system", "temperature", "state", "light.a",
])  # fmt: skip
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["hu", "konyha", "°F", "Europe/Budapest", "../../etc/passwd", "\u202e", "light.a"]),
)
JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.one_of(_KEYS, st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=25,
)
