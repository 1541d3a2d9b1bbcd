"""Which passage belongs to which section."""
