"""Deregisters every version of the type but the default one, and tells what to do with their roles.

Cloud Control API takes a TypeVersionId, so that a version that is still registered can be used with
its own execution role, whatever the default version's may do. AWS_ENDPOINT_URL is followed.
"""

import argparse
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TYPE = {"Type": "RESOURCE", "TypeName": "Org::IAM::AccessKey"}
CLOUDFORMATION = "resources.cloudformation.amazonaws.com"


def main():
    parser = argparse.ArgumentParser(
        prog="make deregister-old-versions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--yes", action="store_true", help="do it; without, it is only shown")
    arguments = parser.parse_args()

    registry = boto3.client("cloudformation")
    versions = list(versions_of(registry, TYPE))
    defaults = [version for version in versions if version["IsDefaultVersion"]]
    if len(defaults) != 1:
        sys.exit(f"{TYPE['TypeName']} has no default version in {registry.meta.region_name}")
    old = [version for version in versions if not version["IsDefaultVersion"]]
    for version in versions:
        verb = "keep" if version["IsDefaultVersion"] else "deregister"
        role = version.get("ExecutionRoleArn", "no role")
        print(f"{verb:<10} {version['VersionId']}  {version['TimeCreated']:%Y-%m-%d}  {role}")

    if arguments.yes:
        for version in old:
            registry.deregister_type(**TYPE, VersionId=version["VersionId"])
            print(f"deregistered {version['VersionId']}")
    elif old:
        print('Nothing is changed yet. ARGS="--yes" does it.')

    roles = {role for version in old for role in roles_of(version)}
    others = users_of_roles(registry, {version["Arn"] for version in old})
    for role in sorted(roles):
        print(f"\n{role}\n{advice_on(role, others.get(role, []), registry)}")
    if roles:
        print(
            "\nA role is used in every Region: run this in each where the type is registered, before"
            " you delete one."
        )


def versions_of(registry, type_):
    # boto3 has no paginator for it.
    following = {}
    while following is not None:
        page = registry.list_type_versions(**type_, DeprecatedStatus="LIVE", **following)
        for version in page["TypeVersionSummaries"]:
            yield registry.describe_type(**type_, VersionId=version["VersionId"]) | version
        following = {"NextToken": page["NextToken"]} if page.get("NextToken") else None


def roles_of(version):
    roles = [version.get("ExecutionRoleArn"), version.get("LoggingConfig", {}).get("LogRoleArn")]
    return [role for role in roles if role]


def users_of_roles(registry, leaving):
    """The versions that stay, by the roles that they use: of this type, and of all others."""
    users = {}
    for kind in ("RESOURCE", "HOOK"):
        # Private to the account are its own types and the public ones that it activated.
        pages = registry.get_paginator("list_types").paginate(Type=kind, Visibility="PRIVATE")
        for summary in (found for page in pages for found in page["TypeSummaries"]):
            type_ = {"Type": kind, "TypeName": summary["TypeName"]}
            is_public = "PublisherId" in summary
            versions = (
                [registry.describe_type(**type_)] if is_public else versions_of(registry, type_)
            )
            for version in versions:
                if version["Arn"] in leaving:
                    continue
                for role in roles_of(version):
                    users.setdefault(role, []).append(version["Arn"].split(":", 5)[5])
    return users


def advice_on(role_arn, users, registry):
    name = role_arn.split("/")[-1]
    if users:
        return f"  stays: used by {', '.join(users)}"
    iam = boto3.client("iam")
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return "  is gone already"
    lines = []
    foreign = sorted(set(principals_of(role["AssumeRolePolicyDocument"])) - {CLOUDFORMATION})
    if foreign:
        lines.append(f"  can be used by {', '.join(foreign)}, too: ask them first")
    stack, neighbours = stack_of(registry, name)
    if stack and neighbours:
        lines.append(f"  belongs to the stack {stack}, with {len(neighbours)} more resources: take")
        lines.append("  it out of that stack's template")
    elif stack:
        lines.append(f"  aws cloudformation delete-stack --stack-name {stack}")
    else:
        for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                lines.append(
                    f"  aws iam delete-role-policy --role-name {name} --policy-name {policy}"
                )
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for policy in page["AttachedPolicies"]:
                lines.append(
                    f"  aws iam detach-role-policy --role-name {name}"
                    f" --policy-arn {policy['PolicyArn']}"
                )
        lines.append(f"  aws iam delete-role --role-name {name}")
    return "\n".join(lines)


def principals_of(trust):
    statements = trust["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        values = principal.values() if isinstance(principal, dict) else [principal]
        for value in values:
            yield from value if isinstance(value, list) else [value]


def stack_of(registry, role_name):
    try:
        resources = registry.describe_stack_resources(PhysicalResourceId=role_name)
    except ClientError as error:
        # So it answers for what belongs to no stack.
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None, []
    resources = resources["StackResources"]
    others = [found for found in resources if found.get("PhysicalResourceId") != role_name]
    return resources[0]["StackName"], others


if __name__ == "__main__":
    try:
        main()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"deregistering old versions: {error}")
