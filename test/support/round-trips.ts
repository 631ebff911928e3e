import type { Behaviour, Call } from './aws-proxy.ts';
import { actionOf } from './behaviours.ts';

/** The actions of calls that are made side by side. */
export type RoundTrip = readonly string[];

export interface RoundTrips {
  readonly behaviour: Behaviour;
  /** What came otherwise than foreseen, in words. */
  deviations(): string[];
}

/**
 * Answers the calls of a round trip when the last of them has come. So none of them can have waited for
 * another's answer, and the next trip begins with what needs one, however slow the machine is. A call
 * that is tried again is the same call; one that is not foreseen lets all go.
 */
export function inRoundTrips(foreseen: readonly RoundTrip[]): RoundTrips {
  const trips = foreseen.map((actions) => ({
    missing: [...actions],
    complete: Promise.withResolvers<undefined>(),
  }));
  const tripOf = new Map<unknown, (typeof trips)[number]>();
  const others: string[] = [];
  const take = (call: Call): void => {
    const action = actionOf(call);
    const current = trips.find(({ missing }) => missing.length > 0);
    const at = current?.missing.indexOf(action) ?? -1;
    if (!current || at === -1) {
      others.push(action);
      for (const { complete } of trips) complete.resolve(undefined);
      return;
    }
    tripOf.set(call.invocationId, current);
    current.missing.splice(at, 1);
    if (current.missing.length === 0) current.complete.resolve(undefined);
  };
  return {
    behaviour: async (call, next) => {
      if (!tripOf.has(call.invocationId)) take(call);
      await tripOf.get(call.invocationId)?.complete.promise;
      return next(call);
    },
    deviations: () => [
      ...others.map((action) => `not foreseen: ${action}`),
      ...trips.flatMap(({ missing }) => missing.map((action) => `did not come: ${action}`)),
    ],
  };
}
