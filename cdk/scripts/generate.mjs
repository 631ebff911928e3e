// Writes lib/access-key.generated.ts, the L1 construct, from the schema of the type; with an argument,
// to that file.
import { readFile, writeFile } from 'node:fs/promises';

const schemaFile = new URL('../../schema/org-iam-accesskey.json', import.meta.url);
const generatedFile = new URL('../lib/access-key.generated.ts', import.meta.url);

const TYPES = { string: 'string', integer: 'number', object: '{ [key: string]: string }' };

/** The source text of the construct for a type with strings, integers and maps of strings. */
function generate(schema) {
  const names = (pointers) => pointers.map((pointer) => pointer.replace('/properties/', ''));
  const readOnly = names(schema.readOnlyProperties);
  const [identifier] = names(schema.primaryIdentifier);
  const properties = Object.entries(schema.properties).map(([name, property]) => ({
    name,
    description: property.description,
    member: name[0].toLowerCase() + name.slice(1),
    type: TYPES[property.type],
    isRequired: schema.required.includes(name),
  }));
  const inputs = properties.filter(({ name }) => !readOnly.includes(name));
  const attributes = properties.filter(
    ({ name }) => readOnly.includes(name) && name !== identifier,
  );
  const resourceName = schema.typeName.split('::').at(-1);
  const typed = ({ member, type, isRequired }) =>
    isRequired ? `${member}: ${type};` : `${member}?: ${type} | undefined;`;
  const lines = (items, toLine) => items.map(toLine).join('\n');

  return `// Written by scripts/generate.mjs from the schema of ${schema.typeName}.
import { CfnResource, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Properties of \`Cfn${resourceName}\`. */
export interface Cfn${resourceName}Props {
${lines(inputs, (input) => `  /** ${input.description} */\n  readonly ${typed(input)}`)}
}

/** The resource ${schema.typeName} as it is in a template; \`ref\` is its ${identifier}. */
export class Cfn${resourceName} extends CfnResource {
  static readonly CFN_RESOURCE_TYPE_NAME = '${schema.typeName}';

${lines(inputs, (input) => `  ${typed(input)}`)}

${lines(attributes, ({ description, name }) => `  /** ${description} */\n  readonly attr${name}: string;`)}

  constructor(scope: Construct, id: string, props: Cfn${resourceName}Props) {
    super(scope, id, { type: Cfn${resourceName}.CFN_RESOURCE_TYPE_NAME });
${lines(inputs, ({ member }) => `    this.${member} = props.${member};`)}
${lines(attributes, ({ name }) => `    this.attr${name} = Token.asString(this.getAtt('${name}'));`)}
  }

  protected override get cfnProperties(): Record<string, unknown> {
    return {
${lines(inputs, ({ name, member }) => `      ${name}: this.${member},`)}
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
