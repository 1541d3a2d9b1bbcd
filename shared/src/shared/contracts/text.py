"""Text that can be written to the wire."""


def encodable(text: str) -> str:
    """The text with surrogate pairs joined that came in two pieces, and lone surrogates replaced.

    Models' tokenisers split characters beyond U+FFFF, and JSON can carry either half by itself.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
