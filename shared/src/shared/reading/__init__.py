"""Context files as text. Foreign bytes are read in child processes."""
