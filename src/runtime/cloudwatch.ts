import {
  CloudWatchClient,
  PutMetricDataCommand,
  type MetricDatum,
} from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  type InputLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import { createClient, type Credentials } from './session.ts';

/** Log delivery and handler metrics, signed with the provider credentials. */
export class CloudWatch {
  readonly #logs: CloudWatchLogsClient;
  readonly #metrics: CloudWatchClient;
  readonly #options: { abortSignal: AbortSignal };

  constructor(region: string, credentials: Credentials, abortSignal: AbortSignal) {
    this.#logs = createClient(CloudWatchLogsClient, region, credentials);
    this.#metrics = createClient(CloudWatchClient, region, credentials);
    this.#options = { abortSignal };
  }

  async prepareLogStream(logGroupName: string, stream: string): Promise<void> {
    try {
      await this.#createLogStream(logGroupName, stream);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      await unlessItExists(
        this.#logs.send(new CreateLogGroupCommand({ logGroupName }), this.#options),
      );
      await this.#createLogStream(logGroupName, stream);
    }
  }

  async putLogEvents(
    logGroupName: string,
    stream: string,
    logEvents: InputLogEvent[],
  ): Promise<void> {
    const logStreamName = toLogStreamName(stream);
    await this.#logs.send(
      new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }),
      this.#options,
    );
  }

  /** The metrics, their namespace and their dimensions are those that every registry type has. */
  async putMetricData(
    typeName: string,
    action: string,
    milliseconds: number,
    errorCode: string | undefined,
  ): Promise<void> {
    const Timestamp = new Date();
    const Dimensions = [
      { Name: 'DimensionKeyActionType', Value: action },
      { Name: 'DimensionKeyResourceType', Value: typeName },
    ];
    const MetricData: MetricDatum[] = [
      { MetricName: 'HandlerInvocationCount', Unit: 'Count', Value: 1, Timestamp, Dimensions },
      {
        MetricName: 'HandlerInvocationDuration',
        Unit: 'Milliseconds',
        Value: milliseconds,
        Timestamp,
        Dimensions,
      },
    ];
    if (errorCode !== undefined) {
      MetricData.push({
        MetricName: 'HandlerException',
        Unit: 'Count',
        Value: 1,
        Timestamp,
        Dimensions: [...Dimensions, { Name: 'DimensionKeyExceptionType', Value: errorCode }],
      });
    }
    const Namespace = `AWS/CloudFormation/${typeName.replaceAll('::', '/')}`;
    await this.#metrics.send(new PutMetricDataCommand({ Namespace, MetricData }), this.#options);
  }

  async #createLogStream(logGroupName: string, stream: string): Promise<void> {
    const logStreamName = toLogStreamName(stream);
    await unlessItExists(
      this.#logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }), this.#options),
    );
  }
}

/** Log stream names cannot hold `:` and `*`, which stack ids do. */
function toLogStreamName(stream: string): string {
  return stream.replaceAll(':', '__').replaceAll('*', '_').slice(0, 512);
}

async function unlessItExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
}
