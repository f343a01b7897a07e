"""Instances as containers of a Docker engine: one container, one volume and one network for each user."""
