"""Outlines: read, edited in versions, approved."""
