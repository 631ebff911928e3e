/** What every part of the benchmark is given. */
export interface Bench {
  /** The one moto server; every part makes users of its own there. */
  readonly endpoint: string;
  /** How often each part goes round what it measures. */
  readonly rounds: number;
  readonly isQuick: boolean;
  /** Says on standard error what is going on. */
  readonly say: (line: string) => void;
}
