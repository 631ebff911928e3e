import { takeAway } from '../resource/removal.ts';
import { withHint } from '../runtime/progress-event.ts';
import type { Attempt } from './attempt.ts';

/**
 * Takes away what an attempt made.
 *
 * @param isConfirmed whether IAM has just named the key.
 * @throws HandlerError that names what of it is left.
 */
export async function discard(
  attempt: Attempt,
  accessKeyId: string,
  isConfirmed: boolean,
): Promise<void> {
  const target = attempt.target(accessKeyId, isConfirmed);
  const { error, leftovers } = await takeAway(target, attempt.services);
  if (leftovers.length > 0) throw withLeftovers(error, leftovers);
}

export function withLeftovers(error: unknown, leftovers: readonly string[]): unknown {
  if (leftovers.length === 0) return error;
  return withHint(error, `left behind, delete it: ${leftovers.join('; ')}`);
}
