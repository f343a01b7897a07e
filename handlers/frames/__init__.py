"""The frame parser: a small compiler from what people say to what is meant, without a model."""
