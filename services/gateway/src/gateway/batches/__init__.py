"""Batches: many jobs submitted, followed, cancelled and retried together."""
