"""Taking signals at a certain place."""


def take_signals() -> None:
    """Run the handlers of signals that have come.

    A loop of Python looks for them by itself, but only once in dozens of rounds.
    """
    repr(None)  # always looks, whatever it is asked for
