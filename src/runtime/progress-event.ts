import type { HandlerErrorCode as HandlerErrorCodes } from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib';

export type HandlerErrorCode = `${HandlerErrorCodes}`;

/** What a handler answers; its fields are those of CloudFormation's progress event. */
export interface ProgressEvent<Model> {
  readonly status: 'SUCCESS' | 'IN_PROGRESS' | 'FAILED';
  readonly message?: string;
  readonly errorCode?: HandlerErrorCode;
  readonly resourceModel?: Model;
  readonly resourceModels?: readonly Model[];
  readonly nextToken?: string;
  /** Comes back with the next invocation, which CloudFormation may log: never a secret. */
  readonly callbackContext?: Readonly<Record<string, string | number>>;
  readonly callbackDelaySeconds?: number;
}

/** An error that CloudFormation understands: `errorCode` says what it may do about it. */
export class HandlerError extends Error {
  override readonly name = 'HandlerError';
  readonly errorCode: HandlerErrorCode;

  constructor(errorCode: HandlerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errorCode = errorCode;
  }
}

export function hasErrorCode(error: unknown, ...errorCodes: HandlerErrorCode[]): boolean {
  return error instanceof HandlerError && errorCodes.includes(error.errorCode);
}

/** The errors that CloudFormation retries: the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  return hasErrorCode(
    error,
    'NetworkFailure',
    'ResourceConflict',
    'ServiceInternalError',
    'Throttling',
  );
}

/** The same error, with what the reader can do about it. */
export function withHint(error: unknown, hint: string): unknown {
  if (!(error instanceof HandlerError)) return error;
  return new HandlerError(error.errorCode, `${error.message}; ${hint}`, { cause: error.cause });
}

/** @returns undefined where the call ends with NotFound. */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasErrorCode(error, 'NotFound')) return undefined;
    throw error;
  }
}

export function succeeded<Model>(resourceModel?: Model): ProgressEvent<Model> {
  return { status: 'SUCCESS', ...(resourceModel && { resourceModel }) };
}

/** CloudFormation calls again with the same model and context after the delay. */
export function inProgress<Model>(
  resourceModel: Model,
  callbackContext: Readonly<Record<string, string | number>>,
  callbackDelaySeconds: number,
): ProgressEvent<Model> {
  return { status: 'IN_PROGRESS', resourceModel, callbackContext, callbackDelaySeconds };
}
