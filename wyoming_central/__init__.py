"""The application: composition root, listeners, frame codec, discovery, logs, the CLI."""
