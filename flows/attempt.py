"""One attempt at an audit: until it leaves a health file and tells somebody, nothing but itself."""

from contextlib import nullcontext


def attempted(_settings):
    return nullcontext()
