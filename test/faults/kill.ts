import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdings } from './aws.ts';
import { nameOf, type CallPoint } from './calls.ts';
import type { Stage } from './stage.ts';

const QUIET_MS = 50;

/**
 * Ends the process when that call waits, with or without having taken effect, and those beside it
 * are done. Nothing of the call reaches anybody afterwards.
 *
 * @returns what there was at that moment.
 */
export async function killAt(
  stage: Stage,
  at: CallPoint,
  when: 'before' | 'after',
): Promise<Holdings> {
  const { proxy } = stage;
  const held = proxy.hold(when, (call) => nameOf(call) === nameOf(at));
  await held.reached();
  const others = (): boolean =>
    proxy.calls.some((call) => call.outcome === 'pending' && nameOf(call) !== nameOf(at));
  do await sleep(QUIET_MS);
  while (others());
  const holdings = await stage.aws.holdings();
  await stage.kill();
  held.drop();
  return holdings;
}
