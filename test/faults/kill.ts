import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdings } from './aws.ts';
import type { Call, CallPoint } from './calls.ts';
import type { Stage } from './stage.ts';

const QUIET_MS = 50;

/**
 * Ends the process when such a call waits, with or without having taken effect, and those beside it
 * are done. Nothing of the call reaches anybody afterwards.
 *
 * @returns what there was at that moment.
 */
export async function killAt(
  stage: Stage,
  matches: (call: Call & CallPoint) => boolean,
  when: 'before' | 'after',
): Promise<Holdings> {
  const { proxy } = stage;
  const held = proxy.hold(when, matches);
  await held.reached();
  const others = (): boolean =>
    proxy.calls.some((call) => call.outcome === 'pending' && !matches(call));
  do await sleep(QUIET_MS);
  while (others());
  const holdings = await stage.aws.holdings();
  await stage.kill();
  held.drop();
  return holdings;
}
