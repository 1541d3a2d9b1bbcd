"""The stateless gateway: HTTP in, Redis Streams behind, server-sent events out."""
