import { randomUUID } from 'node:crypto';
import { asJson, isText } from './json.ts';
import { Log } from './log.ts';
import { openTelemetry } from './logs-and-metrics.ts';
import { HandlerError, type ProgressEvent } from './progress-event.ts';
import { findCredentials, toHandlerRequest, type Action, type HandlerRequest } from './request.ts';
import { toProperties, type ResourceSchema } from './schema-validation.ts';
import { Session } from './session.ts';
import { INVOCATION_MS } from './time-limits.ts';

export type Handler<Model extends object, TypeConfiguration> = (
  request: HandlerRequest<Model, TypeConfiguration>,
  session: Session,
) => Promise<ProgressEvent<Model>>;

/** The part of Lambda's context object that is logged. */
interface Context {
  readonly awsRequestId?: string;
}

type Entrypoint = (event: unknown, context?: Context) => Promise<object>;

/**
 * Makes the two functions that CloudFormation's tools call: `entrypoint` takes the event that
 * CloudFormation sends, `testEntrypoint` the shorter one that a developer writes by hand. Both
 * always answer with a progress event, whatever they are sent.
 */
export function createEntrypoints<Model extends object, TypeConfiguration>(
  schema: ResourceSchema,
  handlers: Readonly<Record<Action, Handler<Model, TypeConfiguration>>>,
): { entrypoint: Entrypoint; testEntrypoint: Entrypoint } {
  const entrypoint: Entrypoint = async (event, context) => {
    const log = new Log();
    const deliver = openTelemetry(event, schema.typeName, log);
    const { action } = asJson(event) ?? {};
    log.write(`START ${isText(action) ? action : '-'} RequestId: ${context?.awsRequestId ?? '-'}`);
    const startedAt = Date.now();
    const progress = await answer(event, log);
    log.write(
      `END ${progress.status} ${progress.errorCode ?? ''} ${progress.message ?? ''}`.trim(),
    );
    await deliver({ milliseconds: Date.now() - startedAt, errorCode: progress.errorCode });
    return serialize(progress);
  };

  const answer = async (event: unknown, log: Log): Promise<ProgressEvent<Model>> => {
    const deadline = new AbortController();
    let timeout: NodeJS.Timeout | undefined;
    try {
      const credentials = findCredentials(event, 'callerCredentials');
      if (!credentials) {
        throw new HandlerError(
          'InvalidCredentials',
          'the event carries no credentials to act with',
        );
      }
      log.conceal(credentials.secretAccessKey, credentials.sessionToken);
      const region = asJson(event)?.region;
      const { signal } = deadline;
      const session = new Session(isText(region) ? region : '-', log, credentials, signal);
      const request = toHandlerRequest<Model, TypeConfiguration>(event, schema);
      timeout = setTimeout(() => {
        deadline.abort();
      }, INVOCATION_MS[request.action]);
      return await session.run(() => handlers[request.action](request, session));
    } catch (error) {
      return failed(error, log);
    } finally {
      clearTimeout(timeout);
    }
  };

  return {
    entrypoint,
    testEntrypoint: (event, context) => entrypoint(toProductionEvent(event), context),
  };
}

function failed<Model>(error: unknown, log: Log): ProgressEvent<Model> {
  if (error instanceof HandlerError) {
    return { status: 'FAILED', errorCode: error.errorCode, message: log.redact(error.message) };
  }
  log.write(
    `unexpected ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return {
    status: 'FAILED',
    errorCode: 'InternalFailure',
    message: 'unexpected error; its stack trace is in the log',
  };
}

function serialize<Model extends object>(progress: ProgressEvent<Model>): object {
  const { resourceModel, resourceModels, ...rest } = progress;
  return {
    message: '',
    callbackDelaySeconds: 0,
    ...rest,
    ...(resourceModel && { resourceModel: toProperties(resourceModel) }),
    ...(resourceModels && { resourceModels: resourceModels.map(toProperties) }),
  };
}

function toProductionEvent(event: unknown): unknown {
  const { credentials, action, region, request, callbackContext, typeConfiguration } =
    asJson(event) ?? {};
  const { clientRequestToken, desiredResourceState, previousResourceState, nextToken, ...rest } =
    asJson(request) ?? {};
  return {
    action,
    region: region ?? rest.region,
    bearerToken: clientRequestToken ?? randomUUID(),
    stackId: rest.stackId,
    nextToken,
    callbackContext,
    requestData: {
      callerCredentials: credentials,
      logicalResourceId: rest.logicalResourceIdentifier,
      resourceProperties: desiredResourceState,
      previousResourceProperties: previousResourceState,
      typeConfiguration,
    },
  };
}
