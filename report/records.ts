import { SSMClient, paginateGetParametersByPath } from '@aws-sdk/client-ssm';
import { isAccessKeyId } from '../src/aws/access-key-id.ts';
import { callAws, present } from '../src/aws/errors.ts';
import type { StoredParameter } from '../src/aws/parameters.ts';
import { isText, parseJson } from '../src/runtime/json.ts';
import { schema } from '../src/schema.ts';
import type { Aws } from './aws.ts';

/** What the type says of a key that it made, without its secret. */
export interface Made {
  /** The type writes all of a record at once: what lacks a part, somebody else wrote. */
  readonly isWhole: boolean;
  readonly userName: string | undefined;
  readonly stackId: string | undefined;
  readonly logicalId: string | undefined;
  readonly serial: number | undefined;
  /** The name or ARN of the key's secret; `parameter` where the parameter holds it. */
  readonly secret: string | undefined;
  /** Whether it is kept for a while after a rotation. */
  readonly isSuperseded: boolean;
  /** The key that took its place. */
  readonly successorId: string | undefined;
}

export interface ParameterNames {
  /** When the record of a key was written, by the key's id. */
  readonly records: Map<string, Date>;
  /** When each intent was written, by its name. */
  readonly intents: ReadonlyMap<string, Date>;
  readonly others: readonly string[];
}

const { UserName, SecretId } = schema.properties;
const LOGICAL_ID = /^[A-Za-z0-9]{1,255}$/;

/** Names alone, which needs no decryption. */
export async function listParameters(aws: Aws): Promise<ParameterNames> {
  const Path = aws.prefix;
  return aws.at('ssm', (session) =>
    callAws(`listing the parameters below ${Path}`, async () => {
      const names = {
        records: new Map<string, Date>(),
        intents: new Map<string, Date>(),
        others: [] as string[],
      };
      const client = session.client(SSMClient);
      const pages = paginateGetParametersByPath({ client }, { Path, Recursive: true });
      for await (const { Parameters } of pages) {
        for (const { Name, LastModifiedDate = new Date(0) } of present(Parameters)) {
          const name = present(Name);
          const rest = name.slice(Path.length + 1);
          if (isAccessKeyId(rest)) names.records.set(rest, LastModifiedDate);
          else if (/^pending\/[0-9a-f]{64}$/.test(rest)) names.intents.set(name, LastModifiedDate);
          else names.others.push(name);
        }
      }
      return names;
    }),
  );
}

/** Somebody may have written it: what has not the shape that the type gives it is left out. */
export function toMade({ value = '' }: Partial<StoredParameter>, { region, accountId }: Aws): Made {
  const record = parseJson(value);
  const shaped = (field: unknown, shape: RegExp): string | undefined =>
    typeof field === 'string' && shape.test(field) ? field : undefined;
  const { serial, successorId } = record;
  const stackId = new RegExp(
    `^arn:aws[\\w-]*:cloudformation:${region}:${accountId}:stack/[\\w-]+/[\\w-]+$`,
  );
  const secretId = shaped(record.secretId, new RegExp(SecretId.pattern));
  const secret = secretId ?? (isText(record.secretAccessKey) ? 'parameter' : undefined);
  const userName = shaped(record.userName, new RegExp(UserName.pattern));
  return {
    isWhole: userName !== undefined && secret !== undefined && isText(record.clientRequestToken),
    userName,
    stackId: shaped(record.stackId, stackId),
    logicalId: shaped(record.logicalResourceId, LOGICAL_ID),
    serial: typeof serial === 'number' ? serial : undefined,
    secret,
    isSuperseded: record.isSuperseded === true,
    successorId:
      typeof successorId === 'string' && isAccessKeyId(successorId) ? successorId : undefined,
  };
}
