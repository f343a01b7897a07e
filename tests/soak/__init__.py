"""An hour of a busy server in ten minutes: whether its memory stays flat."""
