"""Words, sentences and Markdown blocks of English and Chinese text."""
