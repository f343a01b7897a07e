"""One event after another: authenticate, recognize, resolve, execute, answer. Knows no socket."""
