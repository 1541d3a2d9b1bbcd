"""Everything on one machine: Valkey, a small model, the gateway and both workers, each a process of its own."""
