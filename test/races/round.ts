import fc from 'fast-check';

/** What becomes of the first CreateAccessKey of an operation. */
export type Loss = 'answer cut off' | 'answer garbled' | '500 after' | 'request cut off';

export interface Delay {
  readonly before: number;
  readonly after: number;
}

/** How the network treats one operation. */
export interface Weather {
  /** In milliseconds after the other operation. */
  readonly start: number;
  /** One a call, in the order of the calls, over and over. */
  readonly delays: readonly Delay[];
  readonly loss: Loss | undefined;
  /** How many milliseconds the record of a new key takes on its way. */
  readonly recordDelay: number;
}

/** Two operations side by side, each with its weather. */
export interface Round {
  readonly left: Weather;
  readonly right: Weather;
}

/** An overlapping rotation, what happens beside it, and how its keys go. */
export interface OverlapRound extends Round {
  readonly previousKey: 'Active' | 'Inactive';
  /** Another resource of the same user. */
  readonly neighbour: 'comes' | 'comes for a place that is made' | 'leaves';
  readonly ending: 'each twice at once' | 'update beside deletion' | 'both at once';
}

const LONGEST_DELAY = 700;
/** With the delays less than what PATIENCE grants a sibling from a key's birth to its record. */
const LONGEST_RECORD_DELAY = 3_500;

const milliseconds = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.nat({ max: 40 }) },
  { weight: 2, arbitrary: fc.nat({ max: 300 }) },
  { weight: 1, arbitrary: fc.nat({ max: LONGEST_DELAY }) },
);
const loss = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Loss>('answer cut off') },
  { weight: 2, arbitrary: fc.constant<Loss>('answer garbled') },
  { weight: 2, arbitrary: fc.constant<Loss>('500 after') },
  { weight: 1, arbitrary: fc.constant<Loss>('request cut off') },
);

function weather(
  losses: fc.Arbitrary<Loss | undefined>,
  recordDelay: fc.Arbitrary<number>,
): fc.Arbitrary<Weather> {
  return fc.record({
    start: milliseconds,
    delays: fc.array(fc.record({ before: milliseconds, after: milliseconds }), {
      minLength: 12,
      maxLength: 12,
    }),
    loss: losses,
    recordDelay,
  });
}

const fair = weather(fc.constant(undefined), fc.constant(0));
const slow = weather(fc.constant(undefined), fc.nat({ max: LONGEST_RECORD_DELAY }));
/** One in five, for a lost answer costs its CREATE twenty seconds or more. */
const perhapsLossy = weather(
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: loss }),
  fc.constant(0),
);

export const fairRound: fc.Arbitrary<Round> = fc.record({ left: fair, right: fair });
/** A slow sibling's key looks like the orphan of the lossy one. */
export const lossyRound: fc.Arbitrary<Round> = fc.record({
  left: perhapsLossy,
  right: fc.oneof(fair, slow),
});

export const overlapRound: fc.Arbitrary<OverlapRound> = fc.record({
  left: perhapsLossy,
  right: fc.oneof(fair, slow),
  previousKey: fc.constantFrom('Active', 'Inactive'),
  neighbour: fc.constantFrom('comes', 'comes for a place that is made', 'leaves'),
  ending: fc.constantFrom('each twice at once', 'update beside deletion', 'both at once'),
});
