import { setTimeout as sleep } from 'node:timers/promises';
import { cut, denied, failed, throttled, type Answer, type Message } from './answers.ts';
import type { Call, CallPoint } from './calls.ts';

export interface Fault {
  readonly name: string;
  /** What happens, for guides/faults-table.md. */
  readonly what: string;
  /** How many calls of the action it strikes, from the one that it is aimed at. */
  readonly times: number;
  /** No connection comes about: test/faults/refuse-connection.cjs sees to it, in the function. */
  readonly refuses?: boolean;
  /** The codes that an operation may fail with; one without any must end as if nothing had happened. */
  readonly codes: readonly string[];
  /** Whether it strikes after the operation has ended. */
  readonly isLate?: boolean;
  /** Which calls it is not aimed at. */
  spares?(call: CallPoint): boolean;
  /** @param pass makes the call and gives its answer. */
  strike(call: Call, pass: () => Promise<Message>, signal: AbortSignal): Promise<Answer> | Answer;
}

const STALL_MS = 20_000;

export const REFUSED: Fault = {
  name: 'refused',
  what: 'the connection is refused (`ECONNREFUSED`)',
  times: 1,
  refuses: true,
  codes: [],
  strike: () => 'reset',
};

const RESET: Fault = {
  name: 'reset',
  what: 'the connection is reset before the call takes effect',
  times: 1,
  codes: [],
  strike: () => 'reset',
};

export const ANSWER_LOST: Fault = {
  name: 'answer lost',
  what: 'the call takes effect, and the connection is closed without an answer',
  times: 1,
  codes: [],
  strike: async (_, pass): Promise<Answer> => {
    await pass();
    return 'close';
  },
};

const THROTTLED: Fault = {
  name: 'throttled',
  what: 'the call is throttled',
  times: 1,
  codes: [],
  strike: throttled,
};

const FAILED: Fault = {
  name: '500 before',
  what: 'the answer is a 500 and the call has no effect',
  times: 1,
  codes: [],
  strike: failed,
};

export const DENIED_ONCE: Fault = {
  name: 'denied once',
  what: 'the permission is missing for the call (`AccessDenied`)',
  times: 1,
  codes: ['AccessDenied'],
  strike: denied,
};

export const FAULTS: readonly Fault[] = [
  REFUSED,
  RESET,
  ANSWER_LOST,
  FAILED,
  {
    name: '500 after',
    what: 'the answer is a 500 although the call took effect',
    times: 1,
    codes: [],
    strike: async (call, pass) => {
      await pass();
      return failed(call);
    },
  },
  {
    ...THROTTLED,
    name: 'throttled twice',
    what: 'the call and the next of its kind are throttled',
    times: 2,
  },
  DENIED_ONCE,
  {
    name: 'stall',
    what: 'nothing happens for 20 seconds, then the connection is closed; the call has no effect',
    times: 1,
    codes: [],
    strike: async (_, __, signal): Promise<Answer> => {
      await stall(signal);
      return 'close';
    },
  },
  {
    name: 'late answer',
    what: 'the call takes effect, and its answer comes after 20 seconds',
    times: 1,
    codes: [],
    strike: async (_, pass, signal) => {
      const answer = await pass();
      await stall(signal);
      return answer;
    },
  },
  {
    name: 'late effect',
    what: 'nothing happens for 20 seconds, then the call takes effect, and the connection is closed; for calls that change something, but for the first `PutParameter`, see faults.md',
    times: 1,
    codes: [],
    isLate: true,
    spares: ({ action, nth }) =>
      /^(Get|List|Describe)/.test(action) || (action === 'PutParameter' && nth === 1),
    strike: async (_, pass, signal): Promise<Answer> => {
      await stall(signal);
      await pass();
      return 'close';
    },
  },
  {
    name: 'cut answer',
    what: 'the call takes effect, and its answer, with status 200, breaks off in the middle, within the secret where there is one',
    times: 1,
    codes: ['ServiceInternalError'],
    strike: async (_, pass) => cut(await pass()),
  },
  forEver(REFUSED, 'refused for ever', 'NetworkFailure'),
  forEver(RESET, 'reset for ever', 'NetworkFailure'),
  forEver(ANSWER_LOST, 'lost for ever', 'NetworkFailure'),
  forEver(FAILED, '500 for ever', 'ServiceInternalError'),
  forEver(THROTTLED, 'throttled for ever', 'Throttling'),
  forEver(DENIED_ONCE, 'denied for ever', 'AccessDenied'),
];

/** Strikes at this and every later call of its kind. */
export function forEver(fault: Fault, name: string, code: string): Fault {
  return { ...fault, name, times: Infinity, codes: [code, 'NotStabilized'] };
}

async function stall(signal: AbortSignal): Promise<void> {
  await sleep(STALL_MS, undefined, { signal }).catch(() => undefined);
}
