import { createHash } from 'node:crypto';
import { PREFIX, type LocalType } from '../../support/local-type.ts';

/** The parts of a record or an intent, right or wrong. */
export type Planted = Readonly<Record<string, unknown>>;

/** Somebody with `ssm:PutParameter` below the prefix and a stack of their own, and nothing else. */
export interface Attacker {
  readonly stackId: string;
  /** Writes any value under any name below the prefix. */
  plant(name: string, value: string | Planted): Promise<void>;
  /** What stands under that name; undefined where nothing does. */
  find(name: string): Promise<string | undefined>;
}

/** After each test what was planted goes, so that only the type's own leftovers fail the suite. */
export function useAttacker(type: LocalType): Attacker {
  const planted = new Set<string>();
  afterEach(async () => {
    const names = await type.parameters();
    for (const name of planted) if (names.includes(name)) await type.deleteParameter(name);
    planted.clear();
  });
  return {
    stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/attacker/1',
    plant: async (name, value) => {
      planted.add(`${PREFIX}/${name}`);
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      await type.overwriteParameter(`${PREFIX}/${name}`, text);
    },
    find: async (name) => {
      const names = await type.parameters();
      if (!names.includes(`${PREFIX}/${name}`)) return undefined;
      return (await type.parameter(`${PREFIX}/${name}`)).value;
    },
  };
}

/** The name of the intent of a CREATE whose token is known. */
export function intentOf(token: string): string {
  return `pending/${createHash('sha256').update(token).digest('hex')}`;
}
