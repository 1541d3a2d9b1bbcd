"""Prompt injection: finds and withholds text that gives orders to a model."""
