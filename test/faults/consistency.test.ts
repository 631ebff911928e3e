import type { Outcome } from '../../local/cloudformation.ts';
import type { Holdings } from './aws.ts';
import type { Call, CallPoint } from './calls.ts';
import { ANSWER_LOST } from './faults.ts';
import { killAt } from './kill.ts';
import type { Lags } from './lags.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { run, type Run } from './run-case.ts';
import { startBackend, Stage, USER, type Backend } from './stage.ts';
import { codeOf } from './verdict.ts';

const A_WHILE_MS = 5_000;

const CREATE_KEY: CallPoint = { service: 'iam', action: 'CreateAccessKey', nth: 1 };

const PENDING_FOR_A_WHILE: readonly [string, string, Partial<Lags>][] = [
  ['CREATE an active key', 'a new key is not listed', { newKey: A_WHILE_MS }],
  ['CREATE an active key', 'a parameter is not found', { parameter: A_WHILE_MS }],
  ['CREATE an active key', 'STS does not accept a new key', { acceptance: A_WHILE_MS }],
  [
    'CREATE an active key',
    'everything lags',
    { newKey: 3_000, parameter: 4_500, acceptance: 6_000 },
  ],
  ['CREATE an inactive key', 'a key keeps its status', { status: A_WHILE_MS }],
  ['CREATE an inactive key', 'a new key is not listed', { newKey: A_WHILE_MS }],
  ['UPDATE', 'a key keeps its status', { status: A_WHILE_MS }],
  ['DELETE', 'a deleted key is listed', { deletedKey: A_WHILE_MS }],
  [
    'CREATE, a rotation that keeps the key before',
    'the record of that key is found as it was',
    { change: A_WHILE_MS },
  ],
  ['UPDATE that switches the key before on', 'a key keeps its status', { status: A_WHILE_MS }],
  ['UPDATE that deletes the key before', 'a deleted key is listed', { deletedKey: A_WHILE_MS }],
];

const PENDING_FOR_EVER: readonly [string, string, Partial<Lags>, RegExp][] = [
  ['CREATE an active key', 'a new key is not listed', { newKey: Infinity }, /IAM does not list it/],
  [
    'CREATE an active key',
    'a parameter is not found',
    { parameter: Infinity },
    /Parameter Store does not return \/org\/iam\/access-key\/AKIA/,
  ],
  [
    'CREATE an active key',
    'STS does not accept a new key',
    { acceptance: Infinity },
    /STS does not accept it/,
  ],
  [
    'CREATE an inactive key',
    'a key keeps its status',
    { status: Infinity },
    /IAM does not list it as Inactive/,
  ],
  ['UPDATE', 'a key keeps its status', { status: Infinity }, /IAM does not list it as Inactive/],
  ['DELETE', 'a deleted key is listed', { deletedKey: Infinity }, /IAM still lists it/],
];

/** Made beside the first look at the key and its record, and with the key alone. */
const FIRST_LOOK = ({ action }: Call): boolean => action === 'GetCallerIdentity';
const RECORDED = ({ action, parameters }: Call): boolean =>
  action === 'PutParameter' && !String(parameters.Name).includes('/pending/');
const KEY_DELETED = ({ action }: Call): boolean => action === 'DeleteAccessKey';

/** What there is, beside the bystander and intents. */
interface Left {
  readonly keys: number;
  readonly records: number;
}
const KEY_AND_RECORD: Left = { keys: 1, records: 1 };
const RECORD_ALONE: Left = { keys: 0, records: 1 };

/** The process ends after that call, when that much is there, and the same event is sent again. */
const KILLED: readonly [string, string, Partial<Lags>, (call: Call) => boolean, Left][] = [
  [
    'CREATE an active key',
    'its first process ends while the key is not listed',
    { newKey: 8_000 },
    FIRST_LOOK,
    KEY_AND_RECORD,
  ],
  [
    'CREATE an active key',
    'its first process ends when the record is written but not found',
    { parameter: 4_000 },
    RECORDED,
    KEY_AND_RECORD,
  ],
  [
    'CREATE an active key',
    'its first process ends when the record is written and for long not found',
    { parameter: 9_000 },
    RECORDED,
    KEY_AND_RECORD,
  ],
  [
    'CREATE an active key',
    'its first process ends while the record is not found',
    { parameter: 4_000 },
    FIRST_LOOK,
    KEY_AND_RECORD,
  ],
  [
    'DELETE',
    'its first process ends while the deleted key is listed',
    { deletedKey: A_WHILE_MS },
    KEY_DELETED,
    RECORD_ALONE,
  ],
];

describe('eventual consistency', () => {
  let backend: Backend;

  beforeAll(async () => {
    backend = await startBackend();
  });
  afterAll(async () => {
    await backend.stop();
  });

  /** Runs an operation in real time while AWS lags behind. */
  const runLagging = async (name: string, aim: (stage: Stage) => void): Promise<Lagging> => {
    const stage = await Stage.start(backend);
    try {
      const done = await run(stage, operationNamed(name), () => {
        stage.time = 'real';
        aim(stage);
      });
      return { ...done, code: codeOf(done.outcome), after: await stage.aws.holdings() };
    } finally {
      await stage.stop();
    }
  };

  it.concurrent.each(PENDING_FOR_A_WHILE)('%s: waits while %s', async (name, _, lags) => {
    const { code, problems, outcome } = await runLagging(name, ({ proxy }) => {
      Object.assign(proxy.lags, lags);
    });

    expect(problems).toEqual([]);
    expect(code).toBe('SUCCESS');
    expect(outcome.events.length).toBeGreaterThan(1);
  });

  it.concurrent.each(PENDING_FOR_EVER)(
    '%s: does not wait for ever while %s',
    async (name, _, lags, what) => {
      const { code, problems, outcome, arranged, after } = await runLagging(name, (stage) => {
        Object.assign(stage.proxy.lags, lags);
        stage.time = 'ages';
      });

      expect(problems).toEqual([]);
      expect(code).toBe('NotStabilized');
      expect(outcome.message).toMatch(what);
      if (!name.startsWith('UPDATE')) {
        expect([...after.keys.keys()]).toEqual([arranged.bystander]);
        expect([...after.parameters.keys()]).toEqual([]);
      }
    },
  );

  it.concurrent('READ of a key that is seconds old does not lose its secret', async () => {
    const { code, problems } = await runLagging('READ', ({ proxy }) => {
      proxy.lags.parameter = 3_500;
    });

    expect(problems).toEqual([]);
    expect(code).toBe('SUCCESS');
  });

  it.concurrent('CREATE finds the key of a lost answer that is listed seconds later', async () => {
    const { code, problems } = await runLagging('CREATE an active key', ({ proxy }) => {
      proxy.inject(ANSWER_LOST, CREATE_KEY);
      proxy.lags.newKey = 8_000;
    });

    expect(problems).toEqual([]);
    expect(code).toBe('SUCCESS');
  });

  it.concurrent.each<[string, Partial<Lags>]>([
    ['as they were', { change: A_WHILE_MS }],
    ['not at all', { parameter: 3_500 }],
  ])('a key is kept, and goes with its successor, while records are found %s', async (_, lags) => {
    const stage = await Stage.start(backend);
    try {
      await stage.begin();
      const cloudFormation = stage.cloudFormation();
      const idOf = ({ resourceModel }: Outcome): string => String(resourceModel?.Id);
      const idsOf = ({ keys, parameters }: Holdings): string[] => [
        ...keys.keys(),
        ...parameters.keys(),
      ];
      const old = idOf(await cloudFormation.create({ UserName: USER, Serial: 1 }));
      Object.assign(stage.proxy.lags, lags);

      const rotation = { UserName: USER, Serial: 2, PreviousKey: 'Active' };
      const young = idOf(await cloudFormation.create(rotation));
      const cleanedUp = await cloudFormation.delete(old);
      const kept = await stage.aws.holdings();
      const deleted = await cloudFormation.delete(young);

      expect([codeOf(cleanedUp), codeOf(deleted)]).toEqual(['SUCCESS', 'SUCCESS']);
      expect([...kept.keys.keys()].sort()).toEqual([old, young].sort());
      expect(idsOf(await stage.aws.holdings())).toEqual([]);
    } finally {
      await stage.stop();
    }
  });

  it.concurrent.each(KILLED)('%s: survives when %s', async (name, _, lags, isLast, left) => {
    let killed: Promise<Holdings> | undefined;
    const { code, problems, arranged } = await runLagging(name, (stage) => {
      Object.assign(stage.proxy.lags, lags);
      stage.proxy.forgetCalls();
      stage.resends = true;
      killed = killAt(stage, isLast, 'after');
    });

    const then = await killed;
    const keys = [...(then?.keys.keys() ?? [])];
    const parameters = [...(then?.parameters.keys() ?? [])];
    expect({
      keys: keys.filter((id) => id !== arranged.bystander).length,
      records: parameters.filter((path) => !path.includes('/pending/')).length,
    }).toEqual(left);
    expect(problems).toEqual([]);
    expect(code).toBe('SUCCESS');
  });
});

interface Lagging extends Run {
  readonly code: string;
  readonly after: Holdings;
}

function operationNamed(name: string): Operation {
  const operation = OPERATIONS.find((each) => each.name === name);
  if (!operation) throw new Error(`no operation ${name}`);
  return operation;
}
