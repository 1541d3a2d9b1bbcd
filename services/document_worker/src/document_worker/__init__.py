"""Turns outlines into documents."""
