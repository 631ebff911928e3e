// Writes lib/access-key.generated.ts, the L1 construct, from the schema of the type; with an argument,
// to that file.
import { readFile, writeFile } from 'node:fs/promises';

const schemaFile = new URL('../../schema/org-iam-accesskey.json', import.meta.url);
const generatedFile = new URL('../lib/access-key.generated.ts', import.meta.url);

const TYPES = { string: 'string', integer: 'number', boolean: 'boolean' };

/**
 * The source text of the construct for a type whose properties are simple, or objects with simple
 * properties. It may use only what jsii can translate: no namespaces, no types without a name.
 */
function generate(schema) {
  const names = (pointers) => pointers.map((pointer) => pointer.replace('/properties/', ''));
  const readOnly = names(schema.readOnlyProperties);
  const [identifier] = names(schema.primaryIdentifier);
  const resourceName = schema.typeName.split('::').at(-1);
  const construct = `Cfn${resourceName}`;
  const propertiesOf = ({ properties, required = [] }) =>
    Object.entries(properties).map(([name, property]) => ({
      name,
      description: property.description,
      member: name[0].toLowerCase() + name.slice(1),
      type: TYPES[property.type] ?? `${construct}${name}Property`,
      fields: property.properties && propertiesOf(property),
      isRequired: required.includes(name),
    }));
  const properties = propertiesOf(schema);
  const inputs = properties.filter(({ name }) => !readOnly.includes(name));
  const attributes = properties.filter(
    ({ name }) => readOnly.includes(name) && name !== identifier,
  );
  const typed = ({ member, type, isRequired }) =>
    isRequired ? `${member}: ${type};` : `${member}?: ${type} | undefined;`;
  const lines = (items, toLine) => items.map(toLine).join('\n');
  const struct = (name, purpose, members) => `/** ${purpose} */
export interface ${name} {
${lines(
  members,
  (member) => `  /**
   * ${member.description}${member.isRequired ? '' : '\n   *\n   * @default - as the type has it'}
   */
  readonly ${typed(member)}`,
)}
}
`;
  const rendered = ({ name, member, fields }) =>
    fields
      ? `      ${name}: this.${member} && {
${lines(fields, (field) => `        ${field.name}: this.${member}.${field.member},`)}
      },`
      : `      ${name}: this.${member},`;

  return `// Written by scripts/generate.mjs from the schema of ${schema.typeName}.
import { CfnResource, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

${inputs
  .filter(({ fields }) => fields)
  .map(({ type, description, fields }) => `${struct(type, description, fields)}\n`)
  .join('')}${struct(`${construct}Props`, `Properties of \`${construct}\`.`, inputs)}
/**
 * The resource ${schema.typeName} as it is in a template; \`ref\` is its ${identifier}.
 *
 * @cloudformationResource ${schema.typeName}
 */
export class ${construct} extends CfnResource {
  /** The type of the resource. */
  static readonly CFN_RESOURCE_TYPE_NAME = '${schema.typeName}';

${lines(
  inputs,
  (input) => `  /** ${input.description} */
  ${typed(input)}`,
)}

${lines(
  attributes,
  ({ description, name }) => `  /**
   * ${description}
   *
   * @cloudformationAttribute ${name}
   */
  readonly attr${name}: string;`,
)}

  constructor(scope: Construct, id: string, props: ${construct}Props) {
    super(scope, id, { type: ${construct}.CFN_RESOURCE_TYPE_NAME });
${lines(inputs, ({ member }) => `    this.${member} = props.${member};`)}
${lines(attributes, ({ name }) => `    this.attr${name} = Token.asString(this.getAtt('${name}'));`)}
  }

  protected override get cfnProperties(): Record<string, unknown> {
    return {
${lines(inputs, rendered)}
    };
  }

  protected override renderProperties(
    properties: Record<string, unknown>,
  ): Record<string, unknown> {
    return properties;
  }
}
`;
}

const schema = JSON.parse(await readFile(schemaFile, 'utf8'));
await writeFile(process.argv[2] ?? generatedFile, generate(schema));
