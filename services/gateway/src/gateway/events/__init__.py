"""Event streams: server-sent events of one job and of several."""
