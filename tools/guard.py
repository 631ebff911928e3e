"""Runs rules of CloudFormation Guard: tools/guard.py RULES FILE...

A file is a template, or a list of tests in cfn-guard's own form. Prints as JSON what each rule says of
each template and test.
"""

import json
import re
import sys

import yaml
from cfn_guard_rs import run_checks


class Loader(yaml.SafeLoader):
    """Reads the short forms of YAML as cfn-guard does, which leaves the text of !GetAtt whole."""


def to_long_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    else:
        value = loader.construct_sequence(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", to_long_form)
# A date is text, for CloudFormation and in JSON.
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)


def one_by_one(rules):
    """Each rule without parameters by its name, with all that it may refer to."""
    head, *blocks = re.split(r"^(?=rule )", rules, flags=re.MULTILINE)
    names = {match[1]: block for block in blocks if (match := re.match(r"rule (\w+) ", block))}
    shared = [block for block in blocks if block not in names.values()]
    return {name: "".join([head, block, *shared]) for name, block in names.items()}


def verdict_of(name, rules, template):
    try:
        report = run_checks(template, rules)
    except json.JSONDecodeError:
        # The binding loses a report of more than 8 KiB. Only one of faults is as long.
        return "FAIL", []
    if name in report.not_compliant:
        # What a condition leaves out is listed as well, without a message.
        faults = {(fault.path, " ".join(fault.message.split())) for fault in report.not_compliant[name]}
        return "FAIL", sorted([path, text] for path, text in faults if text)
    return "PASS" if name in report.compliant else "SKIP", []


def main(rules_file, *files):
    with open(rules_file, encoding="utf-8") as file:
        rules = one_by_one(file.read())
    results = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            content = yaml.load(file, Loader)
        tests = content if isinstance(content, list) else [{"name": name, "input": content}]
        for test in tests:
            said = {rule: verdict_of(rule, text, test["input"]) for rule, text in rules.items()}
            results.append(
                {
                    "name": test["name"],
                    "expected": test.get("expectations", {}).get("rules"),
                    "verdicts": {rule: verdict for rule, (verdict, _) in said.items()},
                    "messages": {rule: faults for rule, (_, faults) in said.items() if faults},
                }
            )
    json.dump(results, sys.stdout, indent=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
