"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast a machine makes examples says nothing of the code: the first text after a fresh checkout waits for
# Hypothesis to make its table of characters, and a busy machine is slow at any time.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A test without a language model of its own must not find, or even fetch, that of whoever runs it.
os.environ["OLLAMA_URLS"] = "off"
