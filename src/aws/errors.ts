import { isThrottlingError } from '@smithy/core/retry';
import { ServiceException } from '@smithy/core/client';
import { HandlerError, type HandlerErrorCode } from '../runtime/progress-event.ts';
import { earlierErrors, failedAction } from '../runtime/session.ts';

/** What the clients throw. */
export interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
  [failedAction]?: string;
  [earlierErrors]?: readonly SdkError[];
}

const ERROR_CODES: Readonly<Record<string, HandlerErrorCode>> = {
  AccessDenied: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',

  ExpiredToken: 'InvalidCredentials',
  ExpiredTokenException: 'InvalidCredentials',
  IncompleteSignature: 'InvalidCredentials',
  InvalidClientTokenId: 'InvalidCredentials',
  InvalidSignatureException: 'InvalidCredentials',
  MissingAuthenticationToken: 'InvalidCredentials',
  SignatureDoesNotMatch: 'InvalidCredentials',
  UnrecognizedClientException: 'InvalidCredentials',

  NoSuchEntityException: 'NotFound',
  ParameterNotFound: 'NotFound',
  ParameterAlreadyExists: 'AlreadyExists',
  ResourceNotFoundException: 'NotFound',

  LimitExceededException: 'ServiceLimitExceeded',
  ParameterLimitExceeded: 'ServiceLimitExceeded',

  ConcurrentModificationException: 'ResourceConflict',
  EntityTemporarilyUnmodifiableException: 'ResourceConflict',
  TooManyUpdates: 'ResourceConflict',

  DecryptionFailure: 'InvalidRequest',
  EncryptionFailure: 'InvalidRequest',
  InvalidInputException: 'InvalidRequest',
  InvalidParameterException: 'InvalidRequest',
  InvalidRequestException: 'InvalidRequest',
  ValidationError: 'InvalidRequest',
  ValidationException: 'InvalidRequest',

  InvalidKeyId: 'InvalidTypeConfiguration',

  InternalServerError: 'ServiceInternalError',
  InternalServiceError: 'ServiceInternalError',
  ServiceFailureException: 'ServiceInternalError',
  UnreadableAnswer: 'ServiceInternalError',
  AbortError: 'Throttling',
  RequestTimeout: 'NetworkFailure',
  TimeoutError: 'NetworkFailure',
};

const KMS = /\bkms:|ciphertext refers to a customer master key/i;

const NEVER_CONNECTED = ['EAI_AGAIN', 'ECONNREFUSED', 'ENOTFOUND'];

/**
 * Makes one AWS call.
 *
 * @param activity what the call does and to which resource, as the beginning of an error message:
 *   "creating access key for user ci-bot".
 * @throws HandlerError with that activity, the cause and, where there is one, the way out.
 */
export async function callAws<T>(activity: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw toHandlerError(activity, error as SdkError);
  }
}

/** For an answer of AWS that lacks what it must have. The call may have taken effect. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
}

/** What every readable answer of AWS has. */
export function present<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new UnreadableAnswer();
  return value;
}

/** Whether the invocation's time is up, so that no later call of it would succeed either. */
export function isOutOfTime(error: unknown): boolean {
  return (
    error instanceof HandlerError &&
    error.cause instanceof Error &&
    error.cause.name === 'AbortError'
  );
}

/** Whether the call may have taken effect although it failed: its answer was lost or unreadable. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof HandlerError && error.cause instanceof Error && !wasRefused(error.cause);
}

/** Whether an earlier try of the failed call may have done already what the last one could not. */
export function wasRetried(error: unknown): boolean {
  if (!(error instanceof HandlerError) || !(error.cause instanceof Error)) return false;
  const [, ...earlier] = triesOf(error.cause);
  return earlier.some((each) => !wasRefused(each));
}

/** How the tries of a failed call failed, the last one first. */
export function triesOf(error: SdkError): SdkError[] {
  return [error, ...(error[earlierErrors] ?? [])];
}

export function isThrottled(error: SdkError): boolean {
  return isThrottlingError(error as never);
}

/** Whether AWS, or the network before it, turned the call down, so that it had no effect. */
export function wasRefused(error: SdkError): boolean {
  const status = error.$metadata?.httpStatusCode ?? 0;
  return NEVER_CONNECTED.includes(error.code ?? '') || (status >= 400 && status < 500);
}

/** For what AWS says in words alone. */
export function says(error: unknown, words: RegExp): boolean {
  return error instanceof HandlerError && words.test((error.cause as Error).message);
}

/** Whether Parameter Store could not use the KMS key of a parameter; it says so in words alone. */
export function isKmsFailure(error: unknown): boolean {
  if (!(error instanceof HandlerError)) return false;
  const { name, message } = error.cause as SdkError;
  return name === 'InvalidKeyId' || (ERROR_CODES[name] === 'AccessDenied' && KMS.test(message));
}

function toHandlerError(activity: string, error: SdkError): HandlerError {
  const action = deniedAction(error);
  const errorCode = toErrorCode(error);
  const denied =
    errorCode === 'AccessDenied' && action ? `, which needs the permission ${action}` : '';
  return new HandlerError(errorCode, `${activity}${denied}: ${toCause(error)}`, { cause: error });
}

/** Parameter Store is denied what its caller may not do with KMS. */
function deniedAction(error: SdkError): string | undefined {
  const [kmsAction] = /\bkms:\w+/.exec(error.message) ?? [];
  if (kmsAction !== undefined) return kmsAction;
  return KMS.test(error.message) ? 'kms:Decrypt' : error[failedAction];
}

function toErrorCode(error: SdkError): HandlerErrorCode {
  const known = ERROR_CODES[error.name];
  if (known) return known;
  if (isThrottled(error)) return 'Throttling';
  if (error.code !== undefined) return 'NetworkFailure';
  const status = error.$metadata?.httpStatusCode;
  if (status === undefined) return 'InternalFailure';
  if (status === 403) return 'AccessDenied';
  if (status >= 400 && status < 500) return 'GeneralServiceException';
  return 'ServiceInternalError';
}

/** The message of an answer that could not be parsed can quote it, and it may hold a secret. */
function toCause(error: SdkError): string {
  if (error instanceof ServiceException) return `${error.message} (${error.name})`;
  if (error.code !== undefined) return error.code;
  const isLate = error.name === 'TimeoutError' || error.name === 'AbortError';
  return isLate ? 'no answer in time' : 'the answer could not be read';
}
