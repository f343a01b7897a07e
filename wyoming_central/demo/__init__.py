"""`wyoming-central demo`: the whole way of a sentence, shown on a real Home Assistant."""
