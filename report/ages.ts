/** The first day of each bar. */
const STARTS = [0, 31, 91, 181, 366, 731];
const LONGEST_BAR = 40;

/** A bar chart of ages in days, which holds nothing but the counts. */
export class Ages {
  readonly #counts = STARTS.map(() => 0);

  add(days: number): void {
    const bar = STARTS.findLastIndex((start) => days >= start);
    this.#counts[bar] = (this.#counts[bar] ?? 0) + 1;
  }

  draw(): string {
    const most = Math.max(1, ...this.#counts);
    return this.#counts
      .map((count, bar) => {
        const end = STARTS[bar + 1];
        const label = end === undefined ? `${STARTS[bar] ?? 0}+` : `${STARTS[bar] ?? 0}-${end - 1}`;
        const length = count === 0 ? 0 : Math.max(1, Math.round((LONGEST_BAR * count) / most));
        return `  ${label.padStart(7)} ${String(count).padStart(6)} ${'█'.repeat(length)}`.trimEnd();
      })
      .join('\n')
      .concat('\n');
  }
}
