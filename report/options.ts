import { parseArgs } from 'node:util';
import { schema } from '../src/schema.ts';

const { pattern, default: DEFAULT_PREFIX } = schema.typeConfiguration.properties.ParameterPrefix;

export const USAGE = `Shows every access key of the account, which of them Org::IAM::AccessKey made, and what should not be
there. It changes nothing without --clean, and never shows a secret.

  make report                                                 with the credentials of AWS_PROFILE
  make report ARGS="--user-path /ci/ --max-age 90 --unused 45"
  node report/main.ts --format csv > keys.csv

  --user-path PATH   the users below this path only
  --max-age DAYS     marks active keys that are older
  --unused DAYS      marks active keys that nobody has used for longer
  --format FORMAT    table (unless given), json or csv
  --prefix PREFIX    the type's ParameterPrefix, ${DEFAULT_PREFIX} unless given
  --clean            asks, then removes what the type left behind
  --yes              does not ask
  --help             shows this

The exit status is 0; 1 where a key is marked; 2 where something failed or the keys could not be read.`;

export const FORMATS = ['table', 'json', 'csv'] as const;

export interface Options {
  readonly userPath: string;
  /** In days. */
  readonly maxAge: number | undefined;
  /** In days. */
  readonly unused: number | undefined;
  readonly format: (typeof FORMATS)[number];
  readonly prefix: string;
  readonly clean: boolean;
  readonly yes: boolean;
  readonly help: boolean;
}

/** @throws Error for what is not among the options. */
export function toOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        'user-path': { type: 'string', default: '/' },
        'max-age': { type: 'string' },
        unused: { type: 'string' },
        format: { type: 'string', default: 'table' },
        prefix: { type: 'string', default: DEFAULT_PREFIX },
        clean: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { clean, yes, help, prefix } = values;
    const userPath = values['user-path'];
    const format = FORMATS.find((name) => name === values.format);
    if (!format) throw new Error(`--format is one of ${FORMATS.join(', ')}`);
    if (!/^\/(.*\/)?$/.test(userPath)) throw new Error('--user-path begins and ends with /');
    if (!new RegExp(pattern).test(prefix)) throw new Error('--prefix is no ParameterPrefix');
    if (yes && !clean) throw new Error('--yes is for --clean');
    const [maxAge, unused] = (['max-age', 'unused'] as const).map((name) =>
      toDays(name, values[name]),
    );
    return { userPath, maxAge, unused, format, prefix, clean, yes, help };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function toDays(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) throw new Error(`--${name} is a number of days`);
  return Number(text);
}
