"""out/health.json: until an attempt leaves one, nothing."""


def read(_out):
    return None


def was_killed(_before):
    return False


def waiting(_out, _next_firing, _look_every_seconds=None):
    pass
