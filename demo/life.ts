import type { Properties } from '../local/cloudformation.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { identify } from './account.ts';
import type { Keys, Stage, Status } from './stage.ts';

export interface Step {
  readonly title: string;
  /** Throws where anything is not as it should be; `say` tells what was seen, without secrets. */
  readonly run: (stage: Stage, say: (line: string) => void) => Promise<void>;
}

/** The life of an access key, as a stack would give it: each step goes on where the last one ended. */
export const life: readonly Step[] = [
  {
    title: 'A user is there, with no access key',
    async run(stage) {
      if (stage.account.isLocal) await stage.createUser();
      await expectKeys(stage, {});
    },
  },
  {
    title: 'CREATE makes the key',
    async run(stage, say) {
      const template = { UserName: stage.userName, Serial: 1 };
      const { Id } = await stage.succeed('CREATE', stage.cloudFormation.create(template));
      verify(Id === stage.made[0], 'CREATE answers without the Id of a key');
      await expectKeys(stage, { [first(stage)]: 'Active' });
      say(`template ${JSON.stringify(template)}`);
    },
  },
  {
    title: 'Fn::GetAtt: READ by the id alone gives the secret, and the key works',
    async run(stage, say) {
      await expectToWork(stage, first(stage));
      say(`STS takes its holder for user ${stage.userName}`);
    },
  },
  {
    title: 'UPDATE deactivates the key',
    async run(stage, say) {
      const before = { Id: first(stage), UserName: stage.userName, Serial: 1 };
      const template = { UserName: stage.userName, Serial: 1, Status: 'Inactive' };
      await stage.succeed('UPDATE', stage.cloudFormation.update(before, template));
      await expectKeys(stage, { [first(stage)]: 'Inactive' });
      await expectDrift(stage, first(stage), template, []);
      say(`template ${JSON.stringify(template)}`);
    },
  },
  {
    title: 'Drift: reactivated behind its back, seen by READ, taken back by UPDATE',
    async run(stage, say) {
      const id = first(stage);
      const template = { UserName: stage.userName, Serial: 1, Status: 'Inactive' };
      await stage.setStatus(id, 'Active');
      await expectKeys(stage, { [id]: 'Active' });
      await expectDrift(stage, id, template, ['Status']);
      say('drift in Status: template Inactive, READ Active');

      await stage.succeed('UPDATE', stage.cloudFormation.update({ Id: id, ...template }, template));
      await expectKeys(stage, { [id]: 'Inactive' });
      await expectDrift(stage, id, template, []);
    },
  },
  {
    title: 'Rotation: a higher Serial makes the new key, then the old one is deleted',
    async run(stage, say) {
      const old = first(stage);
      const template = { UserName: stage.userName, Serial: 2 };
      await stage.succeed('CREATE', stage.cloudFormation.create(template));
      verify(second(stage) !== old, 'CREATE with the higher Serial answers with the old key');
      await expectKeys(stage, { [old]: 'Inactive', [second(stage)]: 'Active' });
      say(`template ${JSON.stringify(template)}: both keys alive`);

      await stage.succeed('DELETE', stage.cloudFormation.delete(old));
      await expectKeys(stage, { [second(stage)]: 'Active' });
      await expectGone(stage, old);
      await expectToWork(stage, second(stage));
      say('old key gone, new key works');
    },
  },
  {
    title: 'Import: a key that the type never made is read by its id alone, and managed',
    async run(stage, say) {
      const id = await stage.createForeignKey();
      const template = { UserName: stage.userName, Status: 'Inactive' };
      const model = await stage.eventually(() => read(stage, id));
      verify(!('SecretAccessKey' in model), 'READ knows the secret of a key that it did not make');
      verify(
        driftOf(template, model).join() === 'Status',
        'READ does not report the Status in IAM',
      );
      say('READ gives all but SecretAccessKey, which nobody can know any more');

      await stage.succeed('UPDATE', stage.cloudFormation.update({ ...model }, template));
      await expectKeys(stage, { [second(stage)]: 'Active', [id]: 'Inactive' });
    },
  },
  {
    title: 'LIST shows exactly the keys that there are',
    async run(stage, say) {
      const keys = { [second(stage)]: 'Active', [foreign(stage)]: 'Inactive' } as const;
      await expectKeys(stage, keys);
      for (const filter of [{}, { UserName: stage.userName }]) {
        await stage.eventually(() => expectListed(stage, filter, keys));
      }
      say('with and without UserName: 2 keys, no secret');
    },
  },
  {
    title: 'DELETE takes every key away',
    async run(stage) {
      await stage.succeed('DELETE', stage.cloudFormation.delete(foreign(stage)));
      await expectKeys(stage, { [second(stage)]: 'Active' });
      await stage.succeed('DELETE', stage.cloudFormation.delete(second(stage)));
      await expectKeys(stage, {});
      for (const id of stage.made) await expectGone(stage, id);
    },
  },
  {
    title: 'Nothing is left: no key, no parameter, no process',
    async run(stage) {
      await stage.eventually(async () => {
        const leftovers = await stage.leftovers();
        verify(leftovers.length === 0, `left behind: ${leftovers.join(', ')}`);
      });
      await expectToEnd(stage);
    },
  },
];

export function verify(isAsItShouldBe: boolean, otherwise: string): void {
  if (!isAsItShouldBe) throw new Error(otherwise);
}

const first = (stage: Stage): string => stage.made[0] ?? '';
const second = (stage: Stage): string => stage.made[1] ?? '';
const foreign = (stage: Stage): string => stage.made[2] ?? '';

function read(stage: Stage, id: string): Promise<Properties> {
  return stage.succeed('READ', stage.cloudFormation.read(id));
}

export async function expectKeys(stage: Stage, expected: Keys): Promise<void> {
  await stage.eventually(async () => {
    const keys = await stage.keys();
    verify(
      isSame(keys, expected),
      `IAM lists ${describe(keys)} for user ${stage.userName} instead of ${describe(expected)}`,
    );
  });
}

async function expectToWork(stage: Stage, accessKeyId: string): Promise<void> {
  const { SecretAccessKey } = await read(stage, accessKeyId);
  if (typeof SecretAccessKey !== 'string') {
    throw new Error('READ by the id alone does not give SecretAccessKey');
  }
  const credentials = { accessKeyId, secretAccessKey: SecretAccessKey };
  await stage.eventually(async () => {
    const { accountId, arn } = await identify(stage.account, credentials);
    verify(
      accountId === stage.account.accountId && isUser(stage, arn.split('/').at(-1)),
      `STS takes the holder of the key for ${arn}, not for user ${stage.userName}`,
    );
  });
}

async function expectDrift(
  stage: Stage,
  id: string,
  template: Properties,
  expected: readonly string[],
): Promise<void> {
  await stage.eventually(async () => {
    const drifted = driftOf(template, await read(stage, id));
    verify(
      drifted.join() === expected.join(),
      `READ shows drift in [${drifted.join(', ')}] instead of [${expected.join(', ')}]`,
    );
  });
}

/** Ends the function and the local AWS. */
export async function expectToEnd({ account, lambda }: Stage): Promise<void> {
  await lambda.stop();
  verify(!isRunning(lambda.pid), `process ${lambda.pid} of the function still runs`);
  await account.stop();
  verify(!account.isLocal || !(await isServed(account.endpoint)), 'moto still runs');
}

/** As CloudFormation finds it: in what the template sets and READ can return. */
export function driftOf(template: Properties, model: Properties): string[] {
  return Object.keys(template).filter(
    (name) =>
      !schema.writeOnlyProperties.includes(`/properties/${name}`) && model[name] !== template[name],
  );
}

async function expectListed(stage: Stage, filter: Properties, expected: Keys): Promise<void> {
  const { resourceModels } = await stage.settle('LIST', stage.cloudFormation.list(filter));
  const models = (resourceModels ?? []).filter((model) => isUser(stage, model.UserName));
  const listed = Object.fromEntries(models.map(({ Id, Status }) => [Id, Status as Status])) as Keys;
  const named = `LIST of ${JSON.stringify(filter)}`;
  verify(
    isSame(listed, expected),
    `${named} shows ${describe(listed)} instead of ${describe(expected)}`,
  );
  verify(models.length === Object.keys(listed).length, `${named} shows a key twice`);
  verify(
    models.every((model) => !('SecretAccessKey' in model)),
    `${named} shows a secret`,
  );
}

export async function expectGone(stage: Stage, id: string): Promise<void> {
  await stage.eventually(async () => {
    const { status, errorCode } = await stage.cloudFormation.read(id);
    verify(
      errorCode === 'NotFound',
      `READ of the deleted key ${id} answers ${errorCode ?? status} instead of NotFound`,
    );
  });
}

/** IAM compares user names without regard to case. */
function isUser({ userName }: Stage, other: unknown): boolean {
  return typeof other === 'string' && other.toLowerCase() === userName.toLowerCase();
}

function isSame(keys: Keys, others: Keys): boolean {
  const ids = Object.keys(keys);
  return ids.length === Object.keys(others).length && ids.every((id) => keys[id] === others[id]);
}

function describe(keys: Keys): string {
  const described = Object.entries(keys).map(([id, status]) => `${id} ${status}`);
  return described.join(' and ') || 'no key';
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isServed(endpoint = ''): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}
