"""The batch sizes that a served model is warmed up for, and that a server pads its batches to."""

ALLOWED_BATCH_SIZES = (1, 8, 64)
"""Ascending; the last is the largest batch that a server puts together."""
