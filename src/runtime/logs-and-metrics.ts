import { CloudWatch } from './cloudwatch-client.ts';
import { asJson, isRegion, isText } from './json.ts';
import type { Log } from './log.ts';
import { findCredentials } from './request.ts';

/** How an invocation ended, for its metrics. */
interface Outcome {
  readonly milliseconds: number;
  readonly errorCode: string | undefined;
}

/** However slow CloudWatch is, the answer waits no longer than this for it. */
const PATIENCE_MS = 2_000;

/**
 * Delivers an invocation's log lines and metrics to CloudWatch where the event brings provider
 * credentials and a log group for it. The log stream is made ready while the handler runs, so that
 * what follows the handler takes one round trip.
 *
 * @returns the delivery, which never throws: its failures stay in the function's own log.
 */
export function openTelemetry(
  event: unknown,
  typeName: string,
  log: Log,
): (outcome: Outcome) => Promise<void> {
  const credentials = findCredentials(event, 'providerCredentials');
  const { action, region, awsAccountId, stackId, requestData } = asJson(event) ?? {};
  const { providerLogGroupName, logicalResourceId } = asJson(requestData) ?? {};
  if (!credentials || !isText(providerLogGroupName) || !isRegion(region)) {
    return () => Promise.resolve();
  }
  log.conceal(credentials.secretAccessKey, credentials.sessionToken);

  const abort = new AbortController();
  const stream = toLogStreamName(
    typeof stackId === 'string' && typeof logicalResourceId === 'string'
      ? `${stackId}/${logicalResourceId}`
      : `${isText(awsAccountId) ? awsAccountId : 'unknown'}-${region}`,
  );
  const cloudWatch = new CloudWatch(region, credentials, abort.signal);
  const prepared = settled(cloudWatch.prepareLogStream(providerLogGroupName, stream));

  return async ({ milliseconds, errorCode }) => {
    const overdue = setTimeout(() => {
      abort.abort();
    }, PATIENCE_MS);
    const results = await Promise.all([
      prepared.then(() =>
        settled(cloudWatch.putLogEvents(providerLogGroupName, stream, log.lines)),
      ),
      settled(
        cloudWatch.putMetricData(
          typeName,
          isText(action) ? action : 'unknown',
          milliseconds,
          errorCode,
        ),
      ),
    ]);
    clearTimeout(overdue);
    for (const failure of results.filter((result) => result !== undefined)) {
      log.write(`telemetry not delivered: ${failure}`);
    }
  };
}

/** Log stream names cannot hold `:` and `*`, which stack ids do. */
function toLogStreamName(name: string): string {
  return name.replaceAll(':', '__').replaceAll('*', '_').slice(0, 512);
}

/** Resolves to the name of the error, or to undefined where there was none. */
function settled(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}
