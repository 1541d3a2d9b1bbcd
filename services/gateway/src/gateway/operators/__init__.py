"""What operators look at and decide: statistics, workers, queues, dead letters, probes."""
