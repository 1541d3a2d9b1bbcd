"""Results: whole or partial, in the form that the client wants."""
