import type { IncomingHttpHeaders } from 'node:http';
import { signatureOf } from '../support/aws-proxy.ts';

/** One AWS call, as its signed request tells it. */
export interface Call {
  /** As in the credential scope: iam, sts, ssm, secretsmanager, logs, monitoring. */
  readonly service: string;
  readonly action: string;
  /** The access key id that signed it. */
  readonly signer: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The nth call of an action: the points that faults strike at. */
export interface CallPoint {
  readonly service: string;
  readonly action: string;
  readonly nth: number;
}

/** How a service's answer is written. */
export type Format = 'json' | 'xml';

export function toCall(headers: IncomingHttpHeaders, body: string): Call {
  const { accessKeyId: signer = 'nobody', service } = signatureOf(headers);
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const parameters = JSON.parse(body) as Call['parameters'];
    return { service, signer, action: target.split('.').at(-1) ?? '', parameters };
  }
  const { Action: action = 'unknown', ...parameters } = Object.fromEntries(
    new URLSearchParams(body),
  );
  return { service, signer, action, parameters };
}

export function formatOf({ service }: Pick<Call, 'service'>): Format {
  return ['ssm', 'secretsmanager', 'logs'].includes(service) ? 'json' : 'xml';
}

/** `iam:ListAccessKeys #2` */
export function nameOf({ service, action, nth }: CallPoint): string {
  return `${service}:${action} #${nth}`;
}
