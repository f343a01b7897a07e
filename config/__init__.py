"""Settings from the environment, and the data that people edit."""
