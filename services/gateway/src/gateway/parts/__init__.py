"""Parts that are built once and that several resources use."""
