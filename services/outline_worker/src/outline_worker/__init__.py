"""Turns prompts into outlines."""
