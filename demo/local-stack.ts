import { execFile } from 'node:child_process';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { Properties } from '../local/cloudformation.ts';
import { driftOf } from './life.ts';
import { resourceProviders, type ResourceProvider } from './resource-providers.ts';
import type { Stage } from './stage.ts';

interface TemplateResource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Properties;
}

export interface Template {
  readonly Parameters?: Readonly<Record<string, object>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

/** As in the file for `aws cloudformation create-change-set --resources-to-import`. */
export interface ResourceToImport {
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly ResourceIdentifier: Properties;
}

export interface Imported {
  readonly logicalId: string;
  /** What READ found. */
  readonly model: Properties;
  /** Where the template says otherwise. */
  readonly drift: readonly string[];
}

interface StackResource {
  readonly type: string;
  readonly physicalId: string;
  /** Resolved, but for dynamic references, which CloudFormation compares as they stand. */
  readonly properties: Properties;
}

/**
 * Plays CloudFormation for the templates of the migration, with real resources of the local AWS.
 * moto's own CloudFormation will not do: in an update it deletes what is to be retained and makes a
 * new key for any change, and it cannot import.
 */
export class LocalStack {
  readonly #stage: Stage;
  readonly #providers: Readonly<Record<string, ResourceProvider>>;
  readonly #resources = new Map<string, StackResource>();
  #template: Template = { Resources: {} };
  #parameters: Readonly<Record<string, string>> = {};

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#providers = resourceProviders(stage);
  }

  physicalId(logicalId: string): string {
    return this.#resource(logicalId).physicalId;
  }

  output(name: string): Promise<unknown> {
    return this.#resolve(this.#template.Outputs?.[name]?.Value);
  }

  /**
   * Goes over to another template. What is new or changed comes first, in the template's order; only
   * then goes what is replaced or no longer there.
   *
   * @returns what was done: `CREATE AccessKey`.
   */
  async update(
    template: Template,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<string[]> {
    const before = this.#template;
    this.#template = template;
    this.#parameters = parameters;
    const events: string[] = [];
    const cleanUp: (() => Promise<string>)[] = [];

    for (const [logicalId, { Type, UpdateReplacePolicy, Properties }] of Object.entries(
      template.Resources,
    )) {
      const old = this.#resources.get(logicalId);
      if (old && old.type !== Type) {
        throw new Error(`${logicalId} cannot change its type from ${old.type} to ${Type}`);
      }
      const properties = await this.#resolve(Properties);
      if (isDeepStrictEqual(properties, old?.properties)) continue;

      const provider = this.#provider(Type);
      const isReplaced =
        old &&
        provider.createOnly.some(
          (name) => !isDeepStrictEqual(old.properties[name], properties[name]),
        );
      if (old && !isReplaced) {
        const { physicalId } = old;
        await provider.update(physicalId, old.properties, properties, logicalId);
        this.#resources.set(logicalId, { type: Type, physicalId, properties });
        events.push(`UPDATE ${logicalId}`);
      } else {
        const physicalId = await provider.create(properties, logicalId);
        this.#resources.set(logicalId, { type: Type, physicalId, properties });
        events.push(`CREATE ${logicalId}`);
        if (old) cleanUp.push(() => this.#letGo(logicalId, old, UpdateReplacePolicy));
      }
    }

    for (const [logicalId, { DeletionPolicy }] of Object.entries(before.Resources).reverse()) {
      if (logicalId in template.Resources) continue;
      const old = this.#resource(logicalId);
      this.#resources.delete(logicalId);
      cleanUp.push(() => this.#letGo(logicalId, old, DeletionPolicy));
    }
    for (const step of cleanUp) events.push(await step());
    return events;
  }

  /** Takes resources over by their identifiers alone. */
  async import(
    template: Template,
    resourcesToImport: readonly ResourceToImport[],
  ): Promise<Imported[]> {
    const logicalIds = resourcesToImport.map(({ LogicalResourceId }) => LogicalResourceId);
    const others = Object.entries(template.Resources).filter(([id]) => !logicalIds.includes(id));
    const rest = { ...template, Resources: Object.fromEntries(others) };
    if (!isDeepStrictEqual(rest, this.#template)) {
      throw new Error('an import may change nothing but the resources that it imports');
    }
    this.#template = template;

    const imported: Imported[] = [];
    for (const { LogicalResourceId: logicalId, ...toImport } of resourcesToImport) {
      const { ResourceType: type, ResourceIdentifier: identifier } = toImport;
      const resource = template.Resources[logicalId];
      if (resource?.Type !== type) throw new Error(`the template has no ${type} ${logicalId}`);
      if (!resource.DeletionPolicy) throw new Error(`${logicalId} lacks a deletion policy`);

      const properties = await this.#resolve(resource.Properties);
      const physicalId = Object.values(identifier).join('|');
      const model = await this.#read(logicalId, identifier);
      // An import may set what the template says. It must not matter.
      await this.#provider(type).update(physicalId, model, properties, logicalId);
      this.#resources.set(logicalId, { type, physicalId, properties });
      imported.push({ logicalId, model, drift: driftOf(properties, model) });
    }
    return imported;
  }

  /** @returns where the resource differs from the template. */
  async detectDrift(logicalId: string): Promise<string[]> {
    const { physicalId, properties } = this.#resource(logicalId);
    return driftOf(properties, await this.#read(logicalId, physicalId));
  }

  delete(): Promise<string[]> {
    return this.update({ Resources: {} });
  }

  #read(logicalId: string, identifier: string | Properties): Promise<Properties> {
    const reading = this.#stage.cloudFormation.read(identifier, { logicalId });
    return this.#stage.succeed('READ', reading);
  }

  async #letGo(
    logicalId: string,
    { type, physicalId, properties }: StackResource,
    policy: string | undefined,
  ): Promise<string> {
    if (policy === 'Retain') return `RETAIN ${logicalId}`;
    await this.#provider(type).delete(physicalId, properties, logicalId);
    return `DELETE ${logicalId}`;
  }

  #resource(logicalId: string): StackResource {
    const resource = this.#resources.get(logicalId);
    if (!resource) throw new Error(`the stack has no resource ${logicalId}`);
    return resource;
  }

  #provider(type: string): ResourceProvider {
    const provider = this.#providers[type];
    if (!provider) throw new Error(`the demo knows no resources of type ${type}`);
    return provider;
  }

  /** Replaces Ref and Fn::Sub, which is all that the templates use. */
  async #resolve<T>(value: T): Promise<T> {
    if (typeof value !== 'object' || value === null) return value;
    const [[name, argument] = ['', undefined]] = Object.entries(value);
    if (name === 'Ref') return (await this.#lookUp(String(argument))) as T;
    if (name === 'Fn::Sub') {
      const parts = String(argument).split(/\$\{([\w.]+)\}/);
      const texts = parts.map((part, index) =>
        index % 2 === 0 ? Promise.resolve(part) : this.#lookUp(part),
      );
      return (await Promise.all(texts)).join('') as T;
    }
    const entries = Object.entries(value).map(
      async ([key, inner]) => [key, await this.#resolve<unknown>(inner)] as const,
    );
    return Object.fromEntries(await Promise.all(entries)) as T;
  }

  async #lookUp(reference: string): Promise<string> {
    const [logicalId = '', attribute] = reference.split('.');
    if (logicalId in (this.#template.Parameters ?? {})) {
      return this.#parameters[logicalId] ?? '';
    }
    const { type, physicalId } = this.#resource(logicalId);
    if (attribute === undefined) return physicalId;
    const value = await this.#provider(type).attribute?.(physicalId, attribute);
    if (typeof value !== 'string') throw new Error(`Attribute '${attribute}' does not exist`);
    return value;
  }
}

export async function loadTemplate(file: string): Promise<Template> {
  const { stdout } = await promisify(execFile)('.venv/bin/cfn-flip', ['--json', file]);
  return JSON.parse(stdout) as Template;
}
