import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import schema from '../../schema/org-iam-accesskey.json' with { type: 'json' };

interface Operation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

interface State {
  readonly id: string;
  readonly desired: Properties;
  /** What READ returned, as Terraform keeps it. */
  readonly properties: Properties;
}

/**
 * One aws_cloudcontrolapi_resource with create_before_destroy: what Terraform's provider asks of Cloud
 * Control API, and that of the type. Cloud Control says no stack; what logical id it says means nothing.
 */
export class TerraformResource {
  state: State | undefined;
  readonly #handlers: CloudFormation;

  /** @param handlers of a CloudFormation without a stack. */
  constructor(handlers: CloudFormation) {
    this.#handlers = handlers;
  }

  /** @returns the outcomes of the operations on the type, READs that succeed left out. */
  async apply(desired: Properties): Promise<Outcome[]> {
    await this.refresh();
    if (!this.state) return this.#create(desired);
    const patch = toPatch(this.state.desired, desired);
    if (patch.length === 0) return [];
    return patch.some(({ path }) => schema.createOnlyProperties.includes(`/properties${path}`))
      ? this.#replace(desired)
      : this.#update(desired, patch);
  }

  async destroy(): Promise<Outcome[]> {
    if (!this.state) return [];
    const { id } = this.state;
    this.state = undefined;
    return [await this.#handlers.delete(id, anyLogicalId())];
  }

  /** A key that is gone goes from the state. */
  async refresh(): Promise<void> {
    if (!this.state) return;
    const read = await this.#handlers.read(this.state.id, anyLogicalId());
    if (read.errorCode === 'NotFound') this.state = undefined;
    else this.state = { ...this.state, properties: toProperties(read) };
  }

  async #create(desired: Properties): Promise<Outcome[]> {
    const created = await this.#handlers.create(desired, anyLogicalId());
    if (created.status !== 'SUCCESS') return [created];
    const id = String(created.resourceModel?.Id);
    const properties = toProperties(await this.#handlers.read(id, anyLogicalId()));
    this.state = { id, desired, properties };
    return [created];
  }

  async #replace(desired: Properties): Promise<Outcome[]> {
    const before = this.state;
    const [created] = await this.#create(desired);
    if (!created || !before || this.state === before) return created ? [created] : [];
    return [created, await this.#handlers.delete(before.id, anyLogicalId())];
  }

  /** Cloud Control applies the patch to what READ returns. */
  async #update(desired: Properties, patch: readonly Operation[]): Promise<Outcome[]> {
    const { id = '', properties = {} } = this.state ?? {};
    const patched: Record<string, unknown> = { ...properties };
    for (const { path } of patch) {
      const [, name = ''] = path.split('/');
      if (name in desired) patched[name] = desired[name];
      else Reflect.deleteProperty(patched, name);
    }
    const updated = await this.#handlers.update(properties, patched, anyLogicalId());
    if (updated.status === 'SUCCESS') this.state = { id, desired, properties };
    await this.refresh();
    return [updated];
  }
}

function anyLogicalId(): { logicalId: string } {
  return { logicalId: randomUUID() };
}

function toProperties({ status, message, resourceModel }: Outcome): Properties {
  if (status !== 'SUCCESS' || !resourceModel) throw new Error(`READ failed: ${message}`);
  return resourceModel;
}

/** The operations that make one of the other, with the path of each value, however deep. */
function toPatch(before: Properties, after: Properties, path = ''): Operation[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name): Operation[] => {
    const at = `${path}/${name}`;
    const [from, to] = [before[name], after[name]];
    if (isDeepStrictEqual(from, to)) return [];
    if (to === undefined) return [{ op: 'remove', path: at }];
    if (isObject(from) && isObject(to)) return toPatch(from, to, at);
    return [{ op: from === undefined ? 'add' : 'replace', path: at, value: to }];
  });
}

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null;
}
