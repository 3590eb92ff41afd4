"""Paragraphs with a title in the margin: how the terminal is told a story (explain, select)."""

from textwrap import fill

WIDTH, INDENT = 100, " " * 16


def entry(title, *sentences):
    """A titled paragraph; each sentence starts a line, empty ones are left out."""
    lines = [fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT) for text in sentences if text]
    return [f"{title:<16}" + "\n".join(lines).lstrip()] if lines else []


def listed(*facts):
    return ", ".join(fact for fact in facts if fact)


def headed(word, fact):
    """The fact with a word before it; nothing where there is no fact."""
    return f"{word} {fact}" if fact is not None else ""


def in_words(code):
    return code.replace("_", " ")


def msv(low, high):
    """A radiation band as people write it; a band is never given as a midpoint."""
    if low is None:
        return "unknown"
    return f"{low:g} mSv" if low == high else f"{low:g}-{high:g} mSv"
