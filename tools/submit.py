"""Registers the type with a role for every user, after it has said so and got a yes.

What is given beside --yes goes to `cfn submit`; with a --role-arn of one's own there is nothing to say.
"""

import subprocess
import sys

from confirmation import confirmed

WARNING = """\
This registers the type with the role of resource-role.yaml, which may make access keys for every user
of the account. Whoever may deploy a stack can then make a key for an administrator, and use it.

For one path of users and some secrets only, run instead:

  make register USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET=name
"""


def main():
    arguments = sys.argv[1:]
    options = [argument for argument in arguments if argument != "--yes"]
    if not any(option.split("=")[0] == "--role-arn" for option in options):
        print(WARNING, flush=True)
        if not confirmed("Register it for every user all the same?", yes=options != arguments):
            sys.exit("Nothing is registered.")
    sys.exit(subprocess.run(["cfn", "submit", "--set-default", *options], check=False).returncode)


if __name__ == "__main__":
    main()
