import { setTimeout as sleep } from 'node:timers/promises';
import { residentMegabytes } from '../../bench/memory.ts';
import { newCredentials, useLocalType } from '../support/local-type.ts';

const UNKNOWN_ID = 'AKIAUNKNOWNUNKNOWN00';

describe('warm container', () => {
  const type = useLocalType();

  it('signs each invocation with the credentials of its own event', async () => {
    const credentials = [
      newCredentials('first'),
      newCredentials('second'),
      newCredentials('third'),
    ];

    for (const own of credentials) await type.cloudFormation({ credentials: own }).read(UNKNOWN_ID);

    const signers = new Set(type.calls.map(({ accessKeyId }) => accessKeyId));
    expect([...signers]).toEqual(credentials.map(({ accessKeyId }) => accessKeyId));
  });

  it("calls nobody with an earlier event's credentials when the next one brings none", async () => {
    const provider = newCredentials('provider');
    await type.cloudFormation({ providerCredentials: provider, logGroup: 'group' }).list();
    const { length } = type.calls;

    const listed = await type.cloudFormation({ credentials: null }).list();

    expect(length).toBeGreaterThan(0);
    expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
    expect(type.calls.slice(length)).toEqual([]);
  });

  it('takes the Region of each event', async () => {
    const userName = await type.createUser();
    const elsewhere = type.cloudFormation({ region: 'eu-west-1' });
    const created = await elsewhere.create({ UserName: userName });
    const id = String(created.resourceModel?.Id);

    const here = await type.cloudFormation({ region: 'us-east-1' }).read(id);
    const there = await elsewhere.read(id);

    expect(here.resourceModel).not.toHaveProperty('SecretAccessKey');
    expect(there.resourceModel).toEqual(created.resourceModel);
  });

  it('never sleeps: an invocation costs no more than a few of the calls that it makes', async () => {
    const userName = await type.createUser();
    const { resourceModel } = await type.cloudFormation().create({ UserName: userName });
    const id = String(resourceModel?.Id);
    const callMilliseconds = 100;
    type.use(async (call, next) => {
      await sleep(callMilliseconds);
      return next(call);
    });
    const { length } = type.calls;
    await type.cloudFormation().read(id);
    const calls = type.calls.length - length;

    // The best of some, since this machine may be busy.
    const times: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      times.push(...(await type.cloudFormation().read(id)).milliseconds);
    }

    expect(Math.min(...times)).toBeLessThan((calls + 2) * callMilliseconds);
  });

  it('is hardly bigger after many READs than after a few', async () => {
    const userName = await type.createUser();
    const { resourceModel } = await type.cloudFormation().create({ UserName: userName });
    const container = await type.startContainer();
    const cloudFormation = type.cloudFormation({ function: container });
    const megabytesAfter = async (reads: number): Promise<number> => {
      for (let count = 0; count < reads; count += 1) {
        await cloudFormation.read(String(resourceModel?.Id));
      }
      return residentMegabytes(container.pid);
    };

    const early = await megabytesAfter(50);
    const late = await megabytesAfter(750);

    // Left to itself, V8 takes 15 MB.
    expect(late - early).toBeLessThan(8);
  });

  it('runs the event that a developer writes by hand through testEntrypoint', async () => {
    const userName = await type.createUser();
    const container = await type.startContainer({ entrypoint: 'testEntrypoint' });
    const { sessionToken, ...keyPair } = newCredentials('developer');
    const eventOf = (action: string, desiredResourceState: object) => ({
      action,
      credentials: { ...keyPair, sessionToken },
      region: 'us-east-1',
      request: { clientRequestToken: 'token', desiredResourceState },
    });

    const created = await type.invoke(eventOf('CREATE', { UserName: userName }), container);
    const { Id } = { ...created.answer.resourceModel };
    const read = await type.invoke(eventOf('READ', { Id }), container);
    const deleted = await type.invoke(eventOf('DELETE', { Id }), container);

    const answers = [created, read, deleted].map(({ answer }) => answer.status);
    expect(answers).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(read.answer.resourceModel).toEqual(created.answer.resourceModel);
    const shown = [created, read, deleted].flatMap(({ logs }) => logs).join('\n');
    expect(shown).not.toContain(keyPair.secretAccessKey);
    expect(shown).not.toContain(sessionToken);
    expect(await type.keysOf(userName)).toEqual([]);
  });
});
