"""analyse, gather, draft, refine, validate."""
