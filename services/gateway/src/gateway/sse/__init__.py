"""Events to clients: one reader of the feed a process, a bounded queue a client, the journal for what is missing."""
