import { setTimeout as sleep } from 'node:timers/promises';
import type {
  CloudFormation,
  OperationOptions,
  Outcome,
  Properties,
} from '../../local/cloudformation.ts';

/** The error codes after which CloudFormation sends the same request again. */
export const RETRIED = ['NetworkFailure', 'ResourceConflict', 'ServiceInternalError', 'Throttling'];

const RETRIES = 20;
const PAUSE_MS = 1_000;

/** Sends a CREATE again, with the same token, for as long as its answer asks for it. */
export async function createUntilDone(
  stack: CloudFormation,
  properties: Properties,
  options: OperationOptions & { readonly token: string },
): Promise<Outcome> {
  let outcome = await stack.create(properties, options);
  for (let retry = 0; retry < RETRIES && RETRIED.includes(outcome.errorCode ?? ''); retry += 1) {
    await sleep(PAUSE_MS);
    outcome = await stack.create(properties, options);
  }
  return outcome;
}
