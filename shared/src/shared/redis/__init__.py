"""Redis, and nothing else: connections, keys, and one Lua script a command. The only importer of redis-py."""
