"""How a process lives: its clock, its tasks, its signals, its end."""
