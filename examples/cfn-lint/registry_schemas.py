"""Has cfn-lint check private resource types, their Ref and Fn::GetAtt, by registry_schemas.

From 1.43 on, cfn-lint knows such a type by name only: it looks up the schema among the types of each
Region, where a private type is not. Load this file with append_rules.
"""

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

schemas_of_regions = PROVIDER_SCHEMA_MANAGER.get_resource_schemas_by_regions


def schemas_of_regions_and_registry(resource_type, regions):
    found = list(schemas_of_regions(resource_type, regions))
    if not found:
        try:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(regions[0], resource_type)
            found = [(list(regions), schema)]
        except ResourceNotFoundError:
            # cfn-lint has a rule of its own for a type that there is not.
            pass
    return iter(found)


PROVIDER_SCHEMA_MANAGER.get_resource_schemas_by_regions = schemas_of_regions_and_registry
