"""The batch sizes that served models run at."""

ALLOWED_BATCH_SIZES = (1, 8, 64)
"""A batch is filled up to the next of these; the last is also the most rows of one request."""
