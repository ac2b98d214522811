"""The one kind of error that a user is told of without a traceback."""


class Failure(Exception):
    """Why there is no page."""


def missing(text):
    raise Failure(text)
