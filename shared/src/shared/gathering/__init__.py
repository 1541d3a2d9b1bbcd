"""Gathers the evidence of a job: reads its context files, searches, and cuts what it finds into passages."""
