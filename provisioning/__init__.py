"""A Home Assistant for every user: drivers, onboarding, reconciliation, and the live home."""
