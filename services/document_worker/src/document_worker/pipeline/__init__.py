"""split, sections in parallel, fuse, references."""
