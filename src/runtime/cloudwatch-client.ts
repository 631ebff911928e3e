import type { Readable } from 'node:stream';
import { partition } from '@aws-sdk/core/client';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { streamCollector } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { requestHandler, type Credentials } from './session.ts';

interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** An answer of CloudWatch that is an error, under the error's own name. */
class CloudWatchError extends Error {
  constructor(name: string) {
    super(name);
    this.name = name;
  }
}

/**
 * Log delivery and handler metrics, signed with the provider credentials. These few calls go
 * without the SDK's clients for CloudWatch, which would make up a third of the package.
 */
export class CloudWatch {
  readonly #region: string;
  readonly #credentials: Credentials;
  readonly #abortSignal: AbortSignal;

  constructor(region: string, credentials: Credentials, abortSignal: AbortSignal) {
    this.#region = region;
    this.#credentials = credentials;
    this.#abortSignal = abortSignal;
  }

  /** Makes the log stream, and the log group first where there is none. */
  async prepareLogStream(logGroupName: string, logStreamName: string): Promise<void> {
    try {
      await this.#create('CreateLogStream', { logGroupName, logStreamName });
    } catch (error) {
      if (!isNamed(error, 'ResourceNotFoundException')) throw error;
      await this.#create('CreateLogGroup', { logGroupName });
      await this.#create('CreateLogStream', { logGroupName, logStreamName });
    }
  }

  async putLogEvents(
    logGroupName: string,
    logStreamName: string,
    logEvents: readonly LogEvent[],
  ): Promise<void> {
    await this.#logs('PutLogEvents', { logGroupName, logStreamName, logEvents });
  }

  /** The metrics, their namespace and their dimensions are those that every registry type has. */
  async putMetricData(
    typeName: string,
    action: string,
    milliseconds: number,
    errorCode: string | undefined,
  ): Promise<void> {
    const dimensions = { DimensionKeyActionType: action, DimensionKeyResourceType: typeName };
    const metrics = [
      { name: 'HandlerInvocationCount', unit: 'Count', value: 1, dimensions },
      { name: 'HandlerInvocationDuration', unit: 'Milliseconds', value: milliseconds, dimensions },
    ];
    if (errorCode !== undefined) {
      const withError = { ...dimensions, DimensionKeyExceptionType: errorCode };
      metrics.push({ name: 'HandlerException', unit: 'Count', value: 1, dimensions: withError });
    }
    const form = new URLSearchParams({
      Action: 'PutMetricData',
      Version: '2010-08-01',
      Namespace: `AWS/CloudFormation/${typeName.replaceAll('::', '/')}`,
    });
    for (const [index, metric] of metrics.entries()) {
      const member = `MetricData.member.${index + 1}`;
      form.set(`${member}.MetricName`, metric.name);
      form.set(`${member}.Unit`, metric.unit);
      form.set(`${member}.Value`, String(metric.value));
      form.set(`${member}.Timestamp`, new Date().toISOString());
      for (const [position, [name, value]] of Object.entries(metric.dimensions).entries()) {
        form.set(`${member}.Dimensions.member.${position + 1}.Name`, name);
        form.set(`${member}.Dimensions.member.${position + 1}.Value`, value);
      }
    }
    await this.#post('monitoring', String(form), {
      'content-type': 'application/x-www-form-urlencoded',
    });
  }

  async #create(action: 'CreateLogGroup' | 'CreateLogStream', input: object): Promise<void> {
    try {
      await this.#logs(action, input);
    } catch (error) {
      if (!isNamed(error, 'ResourceAlreadyExistsException')) throw error;
    }
  }

  async #logs(action: string, input: object): Promise<void> {
    await this.#post('logs', JSON.stringify(input), {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${action}`,
    });
  }

  async #post(
    service: 'logs' | 'monitoring',
    body: string,
    headers: Record<string, string>,
  ): Promise<void> {
    const { dnsSuffix } = partition(this.#region);
    const { protocol, hostname, port, host } = new URL(
      process.env.AWS_ENDPOINT_URL ?? `https://${service}.${this.#region}.${dnsSuffix}`,
    );
    const request = new HttpRequest({
      method: 'POST',
      protocol,
      hostname,
      port: port === '' ? undefined : Number(port),
      path: '/',
      headers: { ...headers, host, 'content-length': String(Buffer.byteLength(body)) },
      body,
    });
    const signer = new SignatureV4({
      service,
      region: this.#region,
      credentials: this.#credentials,
      sha256: Sha256,
    });
    const signed = await signer.sign(request);
    const { response } = await requestHandler.handle(new HttpRequest(signed), {
      abortSignal: this.#abortSignal,
    });
    const answer = Buffer.from(await streamCollector(response.body as Readable)).toString();
    if (response.statusCode >= 300) {
      throw new CloudWatchError(
        /\w+Exception/.exec(answer)?.[0] ?? `status ${response.statusCode}`,
      );
    }
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
