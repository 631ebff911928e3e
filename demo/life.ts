import type { Properties } from '../local/cloudformation.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { identify, type Credentials } from './account.ts';
import type { Stages } from './secret.ts';
import type { Keys, Stage, Status } from './stage.ts';

export interface Step {
  readonly title: string;
  /** Throws where anything is not as it should be; `say` tells what was seen, without secrets. */
  readonly run: (stage: Stage, say: (line: string) => void) => Promise<void>;
}

/** The life of an access key, as a stack would give it: each step goes on where the last one ended. */
export const life: readonly Step[] = [
  {
    title: 'A user without a key and an empty secret are there',
    async run(stage) {
      if (stage.account.isLocal) await stage.createUser();
      await expectKeys(stage, {});
      await stage.secret.create();
    },
  },
  {
    title: 'CREATE with SecretId delivers key 1 into the secret, and nowhere else',
    async run(stage, say) {
      const template = withSecret(stage, 1);
      const { Id } = await stage.succeed('CREATE', stage.cloudFormation.create(template));
      verify(Id === key(stage, 1), 'CREATE answers without the Id of a key');
      await expectKeys(stage, { [key(stage, 1)]: 'Active' });
      await expectStages(stage, { AWSCURRENT: key(stage, 1) });
      const model = await read(stage, key(stage, 1));
      verify(!('SecretAccessKey' in model), 'READ gives what the secret alone should hold');
      const { secretAccessKey } = await stage.secret.read();
      await stage.eventually(async () => {
        const record = await stage.record(key(stage, 1));
        verify(record.includes(stage.userName), 'Parameter Store holds no record of key 1');
        verify(!record.includes(secretAccessKey), 'Parameter Store holds the secret, too');
      });
      say(`template ${JSON.stringify(template)}`);
      say(`key 1 is ${key(stage, 1)}; READ, and so CloudFormation, never gives its secret`);
    },
  },
  {
    title: 'Whoever reads the secret has a key that works',
    async run(stage, say) {
      await expectSecretToWork(stage, key(stage, 1));
      say(`${await stagesOf(stage)}; STS takes its holder for user ${stage.userName}`);
    },
  },
  {
    title: 'Rotation: Serial 2 makes key 2, and readers get it once AWS accepts it',
    async run(stage, say) {
      const template = withSecret(stage, 2);
      const creation = stage.succeed('CREATE', stage.cloudFormation.create(template));
      const [, seen] = await stage.secret.watch(creation);
      const before = { AWSCURRENT: key(stage, 1) };
      const pending = { ...before, AWSPENDING: key(stage, 2) };
      const after = { AWSCURRENT: key(stage, 2), AWSPREVIOUS: key(stage, 1) };
      await expectStages(stage, after);
      await expectKeys(stage, { [key(stage, 1)]: 'Active', [key(stage, 2)]: 'Active' });
      await expectSecretToWork(stage, key(stage, 2));
      await expectSecretToWork(stage, key(stage, 1), 'AWSPREVIOUS');
      say(`template ${JSON.stringify(template)}`);
      if (seen.some((stages) => isSame(stages, pending))) {
        say(`while key 2 is tried: ${describeStages(stage, pending)}`);
      }
      say(`then: ${describeStages(stage, after)}; both keys work`);
    },
  },
  {
    title: 'Clean-up of the rotation: key 1 is deleted',
    async run(stage, say) {
      await stage.succeed('DELETE', stage.cloudFormation.delete(key(stage, 1)));
      await expectKeys(stage, { [key(stage, 2)]: 'Active' });
      await expectGone(stage, key(stage, 1));
      await expectStages(stage, { AWSCURRENT: key(stage, 2), AWSPREVIOUS: key(stage, 1) });
      await expectSecretToWork(stage, key(stage, 2));
      say(`${await stagesOf(stage)}, which does not work any more`);
    },
  },
  {
    title: 'Roll-back: Serial 3 makes key 3, the update fails elsewhere, key 3 is deleted',
    async run(stage, say) {
      const template = withSecret(stage, 3);
      await stage.succeed('CREATE', stage.cloudFormation.create(template));
      await expectStages(stage, { AWSCURRENT: key(stage, 3), AWSPREVIOUS: key(stage, 2) });
      say(`template ${JSON.stringify(template)}`);
      say(`before: ${await stagesOf(stage)}`);

      const rollback = stage.cloudFormation.delete(key(stage, 3), { rollback: true });
      await stage.succeed('DELETE', rollback);
      await expectKeys(stage, { [key(stage, 2)]: 'Active' });
      await expectStages(stage, { AWSCURRENT: key(stage, 2), AWSPREVIOUS: key(stage, 3) });
      await expectSecretToWork(stage, key(stage, 2));
      say(`after: ${await stagesOf(stage)}; readers have key 2 again, and it works`);
    },
  },
  {
    title: 'Rotation with overlap: PreviousKey Active lets key 2 live on beside key 4',
    async run(stage, say) {
      const template = { ...withSecret(stage, 4), PreviousKey: 'Active' };
      await stage.succeed('CREATE', stage.cloudFormation.create(template));
      await stage.succeed('DELETE', stage.cloudFormation.delete(key(stage, 2)));
      await expectKeys(stage, { [key(stage, 2)]: 'Active', [key(stage, 4)]: 'Active' });
      await expectGone(stage, key(stage, 2));
      await expectPrevious(stage, key(stage, 4), { status: 'Active', id: key(stage, 2) });
      await expectSecretToWork(stage, key(stage, 4));
      await expectSecretToWork(stage, key(stage, 2), 'AWSPREVIOUS');
      say(`template ${JSON.stringify(template)}`);
      say(`${await stagesOf(stage)}; both keys work, key 2 for as long as its holders need it`);
    },
  },
  {
    title: 'UPDATE to PreviousKey Inactive switches key 2 off, to Deleted it deletes it',
    async run(stage, say) {
      const active = { ...withSecret(stage, 4), PreviousKey: 'Active' };
      const inactive = { ...withSecret(stage, 4), PreviousKey: 'Inactive' };
      const Id = key(stage, 4);
      await stage.succeed('UPDATE', stage.cloudFormation.update({ Id, ...active }, inactive));
      await expectKeys(stage, { [key(stage, 2)]: 'Inactive', [Id]: 'Active' });
      await expectPrevious(stage, Id, { status: 'Inactive', id: key(stage, 2) });
      say('Inactive: whoever still holds key 2 notices, and it can be switched on again');

      const template = withSecret(stage, 4);
      await stage.succeed('UPDATE', stage.cloudFormation.update({ Id, ...inactive }, template));
      await expectKeys(stage, { [Id]: 'Active' });
      await expectPrevious(stage, Id, { status: 'Deleted', id: undefined });
      await expectSecretToWork(stage, Id);
    },
  },
  {
    title: 'DELETE takes key 4 away',
    async run(stage) {
      await stage.succeed('DELETE', stage.cloudFormation.delete(key(stage, 4)));
      await expectKeys(stage, {});
      await expectGone(stage, key(stage, 4));
    },
  },
  {
    title: 'The drop-in way: CREATE without SecretId makes key 5',
    async run(stage, say) {
      const template = { UserName: stage.userName, Serial: 1 };
      await stage.succeed('CREATE', stage.cloudFormation.create(template));
      await expectKeys(stage, { [key(stage, 5)]: 'Active' });
      say(`template ${JSON.stringify(template)}`);
    },
  },
  {
    title: 'Fn::GetAtt: READ by the id alone gives the secret, and the key works',
    async run(stage, say) {
      await expectToWork(stage, key(stage, 5));
      say(`STS takes its holder for user ${stage.userName}`);
    },
  },
  {
    title: 'UPDATE deactivates the key',
    async run(stage, say) {
      const before = { Id: key(stage, 5), UserName: stage.userName, Serial: 1 };
      const template = { UserName: stage.userName, Serial: 1, Status: 'Inactive' };
      await stage.succeed('UPDATE', stage.cloudFormation.update(before, template));
      await expectKeys(stage, { [key(stage, 5)]: 'Inactive' });
      await expectDrift(stage, key(stage, 5), template, []);
      say(`template ${JSON.stringify(template)}`);
    },
  },
  {
    title: 'Drift: reactivated behind its back, seen by READ, taken back by UPDATE',
    async run(stage, say) {
      const id = key(stage, 5);
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
      await expectKeys(stage, { [key(stage, 5)]: 'Inactive', [id]: 'Inactive' });
    },
  },
  {
    title: 'LIST shows exactly the keys that there are',
    async run(stage, say) {
      const keys = { [key(stage, 5)]: 'Inactive', [key(stage, 6)]: 'Inactive' } as const;
      await expectKeys(stage, keys);
      for (const filter of [{}, { UserName: stage.userName }]) {
        await stage.eventually(() => expectListed(stage, filter, keys));
      }
      say('with and without UserName: 2 keys, no secret');
    },
  },
  {
    title: 'DELETE takes both keys away, and the secret goes, too',
    async run(stage) {
      await stage.succeed('DELETE', stage.cloudFormation.delete(key(stage, 6)));
      await expectKeys(stage, { [key(stage, 5)]: 'Inactive' });
      await stage.succeed('DELETE', stage.cloudFormation.delete(key(stage, 5)));
      await expectKeys(stage, {});
      for (const id of stage.made) await expectGone(stage, id);
      await stage.secret.delete();
    },
  },
  {
    title: 'Nothing is left: no key, no parameter, no secret, no process',
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

/** The id of a key by its number, in the order of their making. */
function key(stage: Stage, number: number): string {
  return stage.made[number - 1] ?? '';
}

function withSecret(stage: Stage, Serial: number): Properties {
  return { UserName: stage.userName, Serial, SecretId: stage.secret.name };
}

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

async function expectStages(stage: Stage, expected: Stages): Promise<void> {
  await stage.eventually(async () => {
    const stages = await stage.secret.stages();
    verify(
      isSame(stages, expected),
      `secret ${stage.secret.name} has ${describeStages(stage, stages)} instead of ${describeStages(stage, expected)}`,
    );
  });
}

async function stagesOf(stage: Stage): Promise<string> {
  return describeStages(stage, await stage.secret.stages());
}

/** `AWSCURRENT key 2, AWSPREVIOUS key 1` */
function describeStages({ made }: Stage, stages: Stages): string {
  const described = Object.keys(stages)
    .sort()
    .map((name) => `${name} key ${made.indexOf(stages[name] ?? '') + 1}`);
  return described.join(', ') || 'no version';
}

async function expectSecretToWork(
  stage: Stage,
  accessKeyId: string,
  version?: string,
): Promise<void> {
  const credentials = await stage.secret.read(version);
  verify(
    credentials.accessKeyId === accessKeyId,
    `whoever reads the secret gets key ${credentials.accessKeyId} instead of ${accessKeyId}`,
  );
  await expectAccepted(stage, credentials);
}

async function expectToWork(stage: Stage, accessKeyId: string): Promise<void> {
  const { SecretAccessKey } = await read(stage, accessKeyId);
  if (typeof SecretAccessKey !== 'string') {
    throw new Error('READ by the id alone does not give SecretAccessKey');
  }
  await expectAccepted(stage, { accessKeyId, secretAccessKey: SecretAccessKey });
}

async function expectAccepted(stage: Stage, credentials: Credentials): Promise<void> {
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

async function expectPrevious(
  stage: Stage,
  id: string,
  { status, id: previousId }: { readonly status: string; readonly id: string | undefined },
): Promise<void> {
  await stage.eventually(async () => {
    const { PreviousKey, PreviousKeyId } = await read(stage, id);
    verify(
      PreviousKey === status && PreviousKeyId === previousId,
      `READ gives PreviousKey ${String(PreviousKey)} ${String(PreviousKeyId)} instead of ${status} ${previousId}`,
    );
  });
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

function isSame(one: Stages, other: Stages): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
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
