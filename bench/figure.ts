import { summarize, type Summary } from './statistics.ts';

export type Unit = 'ms' | 's' | 'MB' | 'kB' | 'round trips' | '';

/** One line of the table: our samples, those of what they are measured beside, and the goal. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly ours: Summary;
  /** What the figure is compared with: the stock way, the bare SDK, an earlier moment. */
  readonly beside?: { readonly what: string; readonly summary: Summary };
  /** The most that the ratio to what it stands beside, the difference from it or the figure itself may be. */
  readonly goal?: { readonly most: number; readonly of: 'ratio' | 'difference' | 'value' };
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
}

/** What a part of the benchmark found. */
export interface Findings {
  readonly figures?: readonly Figure[];
  readonly tables?: readonly Table[];
}

export function figure(
  name: string,
  unit: Unit,
  ours: readonly number[],
  beside?: { what: string; samples: readonly number[] },
  goal?: Figure['goal'],
): Figure {
  return {
    name,
    unit,
    ours: summarize(ours),
    ...(beside && { beside: { what: beside.what, summary: summarize(beside.samples) } }),
    ...(goal && { goal }),
  };
}

export function ratioOf({ ours, beside }: Figure): number | undefined {
  return beside && ours.median / beside.summary.median;
}

/** @returns undefined where there is no goal. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal, ours, beside } = figure;
  if (!goal) return undefined;
  const besides = beside?.summary.median ?? 0;
  const measured = {
    ratio: ratioOf(figure) ?? NaN,
    difference: ours.median - besides,
    value: ours.median,
  };
  return measured[goal.of] <= goal.most;
}
