"""cfn-lint with the schemas of --registry-schemas applied to resources.

As it comes, cfn-lint 1.58 knows such a type by name only: it looks up the schema for a resource's
properties, and for Fn::GetAtt, among the types of each Region, where a private type is not.
"""

import sys

from cfnlint.runner.cli import main
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

types_of_region = PROVIDER_SCHEMA_MANAGER._load_provider_module


def types_with_private_ones(region):
    private = PROVIDER_SCHEMA_MANAGER._registry_schemas
    return {**types_of_region(region), **{name: name for name in private}}


PROVIDER_SCHEMA_MANAGER._load_provider_module = types_with_private_ones

if __name__ == "__main__":
    sys.exit(main())
