import type fc from 'fast-check';
import type { Account } from './account.ts';
import type { World } from './world.ts';

/** One line of a script: what it does to the world and to the model of it. */
export class Step implements fc.AsyncCommand<Account, World> {
  readonly #needsKey: boolean;
  readonly #act: (account: Account, world: World) => Promise<void>;
  readonly #describe: (account: Account) => string;

  constructor(
    describe: (account: Account) => string,
    act: (account: Account, world: World) => Promise<void>,
    { needsKey } = { needsKey: true },
  ) {
    this.#describe = describe;
    this.#act = act;
    this.#needsKey = needsKey;
  }

  check(account: Readonly<Account>): boolean {
    return !this.#needsKey || account.keys.length > 0;
  }

  async run(account: Account, world: World): Promise<void> {
    world.script.push(this.#describe(account));
    await this.#act(account, world);
    expect(await world.holdings()).toEqual(account.holdings());
  }

  /** The error shows the script in its own words. */
  toString(): string {
    return 'step';
  }
}
