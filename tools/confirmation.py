"""Asks before something is done in an account."""

import os
import sys


def confirmed(question, yes):
    """A yes on the command line, or any value of the variable CI, is one in advance."""
    if yes or os.environ.get("CI"):
        return True
    if not sys.stdin.isatty():
        print('Without a terminal to ask at, it needs ARGS="--yes".', file=sys.stderr)
        return False
    print(f"{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
