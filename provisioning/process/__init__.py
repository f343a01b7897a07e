"""The `process` driver: one Home Assistant process a user, all on one shared installation."""
