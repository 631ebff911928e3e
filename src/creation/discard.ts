import { takeAway } from '../resource/removal.ts';
import { withHint } from '../runtime/progress-event.ts';
import type { Attempt } from './attempt.ts';

/**
 * Takes away what an attempt made.
 *
 * @throws HandlerError that names what of it is left.
 */
export async function discard(attempt: Attempt, accessKeyId: string): Promise<void> {
  const { error, leftovers } = await takeAway(attempt.target(accessKeyId), attempt.services);
  if (leftovers.length > 0) throw withLeftovers(error, leftovers);
}

export function withLeftovers(error: unknown, leftovers: readonly string[]): unknown {
  if (leftovers.length === 0) return error;
  return withHint(error, `left behind, delete it: ${leftovers.join('; ')}`);
}
