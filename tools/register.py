"""Registers the type, or a new version of it, with the stack of registration/template.yml.

What is about to change is shown, and done after a yes. What is not given stays as it is in the stack.
AWS_ENDPOINT_URL is followed.
"""

import argparse
import json
import sys
import uuid
from fnmatch import fnmatchcase

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from confirmation import confirmed
from deregister_old_versions import TYPE, versions_of
from publish import STACK, TEMPLATE, ForeignContent, publish_package

USAGE = "make register USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET=name"
# CloudFormation has no other word for a change set without changes.
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
WAIT = {"Delay": 5, "MaxAttempts": 360}


class Refused(Exception):
    """CloudFormation did not do what it was asked for."""


def main():
    arguments = parse_arguments()
    cloudformation = boto3.client("cloudformation")
    stack = find_stack(cloudformation)
    before = parameters_of(stack)
    given = dict(arguments.parameter)
    if arguments.user_path:
        given["UserPath"] = arguments.user_path
    if arguments.secret_names:
        given["SecretNamePattern"] = arguments.secret_names
    if "UserPath" not in {**before, **given}:
        print(f"USER_PATH is missing: {USAGE}", file=sys.stderr)
        sys.exit(2)

    package = publish_package(boto3.client("s3"), arguments.bucket)
    given["SchemaHandlerPackage"] = package
    in_force = configuration_in_force(cloudformation)
    given["TypeConfiguration"] = type_configuration(
        arguments.type_configuration, before, given, in_force
    )
    if not deploy(cloudformation, stack, given, arguments.yes):
        sys.exit("Nothing is changed.")
    report(cloudformation)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="make register", usage=USAGE, description=__doc__.splitlines()[0]
    )
    parser.add_argument("--bucket", required=True, help="BUCKET: where the package is uploaded to")
    parser.add_argument("--user-path", help="USER_PATH: keys of users below it only, /ci/")
    parser.add_argument("--secret-names", help="SECRET_NAMES: these secrets only, ci/*")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=name_and_value,
        metavar="NAME=VALUE",
        help="any parameter of registration/template.yml; can be repeated",
    )
    parser.add_argument(
        "--type-configuration", metavar="FILE", help="JSON, such as examples/guardrails.json"
    )
    parser.add_argument("--yes", action="store_true", help="go on without asking")
    return parser.parse_args()


def name_and_value(pair):
    name, is_pair, value = pair.partition("=")
    if not is_pair:
        raise argparse.ArgumentTypeError(f"{pair} is not NAME=VALUE")
    return name, value


def find_stack(cloudformation):
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        # So it answers for a stack that is not there.
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    # A change set alone, that nobody executed, is no stack.
    return None if stack["StackStatus"] == "REVIEW_IN_PROGRESS" else stack


def parameters_of(stack):
    parameters = stack.get("Parameters", []) if stack else []
    return {found["ParameterKey"]: found["ParameterValue"] for found in parameters}


def configuration_in_force(cloudformation):
    identifier = {**TYPE, "TypeConfigurationAlias": "default"}
    try:
        answer = cloudformation.batch_describe_type_configurations(
            TypeConfigurationIdentifiers=[identifier]
        )
    except cloudformation.exceptions.TypeConfigurationNotFoundException:
        return {}
    for error in answer.get("Errors", []):
        # Without an answer, guardrails would be overwritten unseen.
        if "404" not in error["ErrorCode"] and "NotFound" not in error["ErrorCode"]:
            raise Refused(f"the type configuration cannot be read: {error['ErrorMessage']}")
    found = answer.get("TypeConfigurations", [])
    return json.loads(found[0].get("Configuration") or "{}") if found else {}


def type_configuration(file, before, given, in_force):
    """What is given or was set before, with a guardrail for the path that the role is narrowed to."""
    path_before = before.get("UserPath", "/")
    text_before = before.get("TypeConfiguration")
    if file:
        with open(file, encoding="utf-8") as content:
            configuration = json.load(content)
    elif text_before:
        configuration = json.loads(text_before)
    else:
        configuration = guardrails_of(in_force)
    if not file and configuration.get("AllowedUserPaths") == allowed_paths(path_before):
        del configuration["AllowedUserPaths"]
    # Of every user, the role itself says the same.
    path = given.get("UserPath", path_before)
    if path != "/":
        configuration = {"AllowedUserPaths": allowed_paths(path), **configuration}
    unchanged = text_before and json.loads(text_before) == configuration
    return text_before if unchanged else json.dumps(configuration)


def allowed_paths(user_path):
    return [f"{user_path}*"]


def guardrails_of(configuration):
    """Without what follows the stack's parameters."""
    others = ("ParameterPrefix", "KmsKeyId")
    return {name: value for name, value in configuration.items() if name not in others}


def deploy(cloudformation, stack, given, yes):
    """@returns whether the stack is as it was asked for: not where the answer was no."""
    with open(TEMPLATE, encoding="utf-8") as file:
        template = file.read()
    before = parameters_of(stack)
    known = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
    kept = {found["ParameterKey"] for found in known} & before.keys() - given.keys()
    change_set = cloudformation.create_change_set(
        StackName=STACK,
        ChangeSetName=f"register-{uuid.uuid4()}",
        ChangeSetType="UPDATE" if stack else "CREATE",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            *({"ParameterKey": name, "ParameterValue": value} for name, value in given.items()),
            *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
        ],
        # A creation that fails leaves no stack behind that would be in the way of the next.
        **({} if stack else {"OnStackFailure": "DELETE"}),
    )
    names = {"StackName": change_set["StackId"], "ChangeSetName": change_set["Id"]}
    if not is_made(cloudformation, names):
        cloudformation.delete_change_set(**names)
        print(f"\nThe stack {STACK} is up to date.")
        return True
    show(cloudformation, names, before, given)
    if not confirmed("Continue?", yes):
        withdraw(cloudformation, stack, names)
        return False
    cloudformation.execute_change_set(**names)
    print("Deploying…", flush=True)
    waiter = cloudformation.get_waiter(f"stack_{'update' if stack else 'create'}_complete")
    try:
        waiter.wait(StackName=change_set["StackId"], WaiterConfig=WAIT)
    except WaiterError as error:
        raise Refused(reasons(cloudformation, change_set["StackId"]) or error) from error
    return True


def is_made(cloudformation, names):
    """@returns false where there is nothing to change."""
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(**names, WaiterConfig=WAIT)
    except WaiterError as error:
        reason = cloudformation.describe_change_set(**names).get("StatusReason", str(error))
        if any(words in reason for words in NO_CHANGES):
            return False
        raise Refused(reason) from error
    return True


def withdraw(cloudformation, stack, names):
    cloudformation.delete_change_set(**names)
    if not stack:
        # The change set had made an empty one.
        cloudformation.delete_stack(StackName=names["StackName"])


def show(cloudformation, names, before, given):
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = cloudformation.meta.region_name
    verb = "update" if before else "create"
    print(f"\nThis will {verb} the stack {STACK} in account {account}, Region {region}:")
    for name, value in given.items():
        if value != before.get(name):
            was = f" (was {before[name] or 'empty'})" if name in before else ""
            print(f"  {name} = {value}{was}")
    for page in cloudformation.get_paginator("describe_change_set").paginate(**names):
        for change in (found["ResourceChange"] for found in page.get("Changes", [])):
            # Whether a resource is replaced can depend on what others become.
            replaced = change.get("Replacement") in ("True", "Conditional")
            what = "Replace" if replaced else change["Action"]
            print(f"  {what} {change['LogicalResourceId']} ({change['ResourceType']})")


def reasons(cloudformation, stack_id):
    """Why the stack's latest operation failed, first things first."""
    failed = []
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for event in (found for page in pages for found in page["StackEvents"]):
        is_stack = event.get("PhysicalResourceId") == stack_id
        if is_stack and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
            failed.append(f"{event['LogicalResourceId']}: {reason}")
    return "\n  ".join(reversed(failed))


def report(cloudformation):
    """What holds now, as the registry and IAM say it."""
    version = cloudformation.describe_type(**TYPE)
    role = version["ExecutionRoleArn"].split("/")[-1]
    statements = list(statements_of(role))
    print(f"\n{version['Arn'].split('/')[-1]} is the default version of {TYPE['TypeName']}.")
    print(f"Its handlers run with the role {role}, which may")
    for what, action, before in (
        ("change access keys of users", "iam:CreateAccessKey", ":user"),
        ("use parameters", "ssm:PutParameter", ":parameter"),
        ("write to secrets", "secretsmanager:PutSecretValue", ":secret:"),
        ("use KMS keys for parameters", "kms:Encrypt", ""),
        ("use KMS keys for secrets", "kms:GenerateDataKey", ""),
        ("read names and key ids of users", "iam:ListUsers", ":user"),
    ):
        print(f"  {what + ':':<32} {scope_of(statements, action, before)}")
    guardrails = guardrails_of(configuration_in_force(cloudformation))
    print("Guardrails in the type configuration:" if guardrails else "There is no guardrail.")
    for name, value in guardrails.items():
        print(f"  {name + ':':<32} {json.dumps(value)}")
    others = [
        found["VersionId"]
        for found in versions_of(cloudformation, TYPE)
        if not found["IsDefaultVersion"]
    ]
    if others:
        print(f"\nOther versions can still be used, each with its own role: {', '.join(others)}.")
        print("Remove them: make deregister-old-versions")


def statements_of(role):
    iam = boto3.client("iam")
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            yield from as_list(policy["Statement"])
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for arn in (found["PolicyArn"] for found in page["AttachedPolicies"]):
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            policy = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            yield from as_list(policy["Document"]["Statement"])


def scope_of(statements, action, before):
    """The resources of an action, each from `before` on."""
    resources = [
        resource.split(before, 1)[-1] if before else resource
        for statement in statements
        if statement["Effect"] == "Allow"
        and any(fnmatchcase(action, pattern) for pattern in as_list(statement.get("Action", [])))
        for resource in as_list(statement.get("Resource", []))
    ]
    return ", ".join("all" if found in ("*", "/*") else found for found in resources) or "none"


def as_list(value):
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, BotoCoreError, ClientError, ForeignContent, Refused) as error:
        sys.exit(f"registering: {error}")
