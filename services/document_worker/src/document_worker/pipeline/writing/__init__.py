"""From an assignment to the text of a section."""
