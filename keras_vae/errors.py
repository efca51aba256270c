"""The one exception that means: the user can put this right."""


class UserError(ValueError):
    """A user's mistake.

    The message is one clear sentence: what was received, what was expected, what to do. The command
    line prints it without a traceback and exits with status 2.
    """
