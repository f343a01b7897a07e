"""Why a sentence is left to the next stage."""


class PassOnError(Exception):
    """A sentence, or a clause of it, is not understood here; its text says why."""
