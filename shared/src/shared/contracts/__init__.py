"""Pure data that crosses a process border: what the services agree on, without any I/O."""
