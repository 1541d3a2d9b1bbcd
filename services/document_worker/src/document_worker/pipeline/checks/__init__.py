"""What is wrong with a text, and what is known about it."""
