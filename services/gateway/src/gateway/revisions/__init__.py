"""Revisions: one section of a finished document written again."""
