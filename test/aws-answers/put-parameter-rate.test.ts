import { randomUUID } from 'node:crypto';
import { firstTimes, limitPutParameter } from '../support/behaviours.ts';
import { refuse } from '../support/aws-proxy.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';
import { createUntilDone } from './retries.ts';

const CREATES = 60;
const TIMEOUT_MS = 10 * 60_000;

describe('PutParameter at its real rate', () => {
  const type = useLocalType();

  it(
    `lets ${CREATES} CREATEs side by side make one key each`,
    async () => {
      const userNames: string[] = [];
      for (let count = 0; count < CREATES; count += 1) userNames.push(await type.createUser());
      const containers = await Promise.all(userNames.map(() => type.startContainer()));
      type.use(limitPutParameter({ perSecond: 3, burst: 20 }));

      const created = await Promise.all(
        containers.map((container, index) =>
          createUntilDone(
            type.cloudFormation({ function: container }),
            { UserName: userNames[index] },
            { token: randomUUID() },
          ),
        ),
      );
      const minted = type.calls.filter(({ action }) => action === 'CreateAccessKey').length;
      const parameters = await type.parameters();
      type.allow();

      expect(created.map(({ errorCode, status }) => errorCode ?? status)).toEqual(
        Array(CREATES).fill('SUCCESS'),
      );
      expect(minted).toBe(CREATES);
      const ids = created.map(({ resourceModel }) => String(resourceModel?.Id));
      expect(parameters).toEqual(ids.map((id) => `${PREFIX}/${id}`).sort());
      expect((await type.allKeys()).sort()).toEqual(
        ids.map((id, index) => `${userNames[index]} ${id}`).sort(),
      );
    },
    TIMEOUT_MS,
  );

  it('tries a throttled record for as long as the invocation has time', async () => {
    const userName = await type.createUser();
    const end = Date.now() + 15_000;
    type.use((call, next) => {
      const isRecord =
        call.action === 'PutParameter' && !String(call.parameters.Name).includes('/pending/');
      return isRecord && Date.now() < end
        ? refuse(call, 400, 'ThrottlingException', 'Rate exceeded')
        : next(call);
    });

    const created = await type.cloudFormation().create({ UserName: userName });

    expect(created.status).toBe('SUCCESS');
    expect(type.calls.filter(({ action }) => action === 'CreateAccessKey')).toHaveLength(1);
  });

  it('makes no key that it has not announced', async () => {
    const userName = await type.createUser();
    const throttled = firstTimes(Infinity, 'ssm:PutParameter', (call) =>
      refuse(call, 400, 'ThrottlingException', 'Rate exceeded'),
    );
    type.use(throttled);
    const before = await type.parameters();

    const created = await type.cloudFormation().create({ UserName: userName });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'Throttling' });
    expect(type.calls.map(({ action }) => action)).not.toContain('CreateAccessKey');
    expect(await type.parameters()).toEqual(before);
  });
});
