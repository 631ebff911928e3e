"""Prints as JSON what AWS's schema linter, resource-schema-guard-rail, says about a schema.

Its own command prints Python, writes a log file where it stands, and leaves out a failed check
that has no message: such a rule is listed here as unexplained.
"""

import json
import logging
import re
import sys

logging.basicConfig(handlers=[logging.NullHandler()])

# pylint: disable=wrong-import-position
from rpdk.guard_rail.core.data_types import Stateless
from rpdk.guard_rail.core.runner import exec_compliance, prepare_ruleset


def report_on(schema):
    report = exec_compliance(Stateless(schemas=[schema]))[0].json
    rules = set(re.findall(r"^rule (\w+)", "\n".join(prepare_ruleset()), re.MULTILINE))
    explained = {rule for verdict in report.values() for rule in verdict}
    return {**report, "unexplained": sorted(rules - explained)}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(json.dumps(report_on(json.load(file)), indent=2))
