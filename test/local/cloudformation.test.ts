import { CloudFormation, type ProgressEvent } from '../../local/cloudformation.ts';

const CREDENTIALS = { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' };

interface Event {
  action: string;
  bearerToken: string;
  callbackContext: unknown;
  nextToken: string | null;
  requestData: Record<string, unknown>;
}

function cloudFormationOver(answers: ProgressEvent[]): {
  cloudFormation: CloudFormation;
  events: Event[];
} {
  const events: Event[] = [];
  const cloudFormation = new CloudFormation({
    function: {
      invoke: (event) => {
        events.push(event as Event);
        const answer = answers[events.length - 1] as never;
        return Promise.resolve({ answer, logs: [`line ${events.length}`], milliseconds: 1 });
      },
    },
    credentials: CREDENTIALS,
    region: 'eu-west-1',
    accountId: '123456789012',
  });
  return { cloudFormation, events };
}

describe('local CloudFormation', () => {
  it('sends the production event, with numbers as strings', async () => {
    const { cloudFormation, events } = cloudFormationOver([{ status: 'SUCCESS' }]);

    await cloudFormation.create({ UserName: 'ci-bot', Serial: 1 }, { logicalId: 'Key' });

    expect(events).toEqual([
      {
        awsAccountId: '123456789012',
        bearerToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
        region: 'eu-west-1',
        action: 'CREATE',
        responseEndpoint: null,
        resourceType: 'Org::IAM::AccessKey',
        resourceTypeVersion: '00000001',
        requestContext: null,
        callbackContext: null,
        nextToken: null,
        stackId: expect.stringMatching(/^arn:aws:cloudformation:eu-west-1:123456789012:stack\//),
        requestData: {
          callerCredentials: CREDENTIALS,
          providerCredentials: null,
          providerLogGroupName: null,
          logicalResourceId: 'Key',
          resourceProperties: { UserName: 'ci-bot', Serial: '1' },
          previousResourceProperties: null,
          systemTags: expect.anything(),
          stackTags: {},
          previousStackTags: {},
          typeConfiguration: null,
        },
      },
    ]);
  });

  it('follows IN_PROGRESS to the end with the same token and what came back', async () => {
    const { cloudFormation, events } = cloudFormationOver([
      {
        status: 'IN_PROGRESS',
        callbackContext: { step: 1 },
        callbackDelaySeconds: 0,
        resourceModel: { Id: 'AKIA1', UserName: 'ci-bot' },
      },
      { status: 'SUCCESS', resourceModel: { Id: 'AKIA1' } },
    ]);

    const outcome = await cloudFormation.create({ UserName: 'ci-bot' });

    expect(outcome).toMatchObject({ status: 'SUCCESS', resourceModel: { Id: 'AKIA1' } });
    expect(outcome.events).toHaveLength(2);
    expect(outcome.logs).toEqual(['line 1', 'line 2']);
    expect(events[1]?.bearerToken).toBe(events[0]?.bearerToken);
    expect(events[1]?.callbackContext).toEqual({ step: 1 });
    expect(events[1]?.requestData.resourceProperties).toEqual({ Id: 'AKIA1', UserName: 'ci-bot' });
  });

  it('waits as long as the handler asks before it calls back', async () => {
    const { cloudFormation } = cloudFormationOver([
      { status: 'IN_PROGRESS', callbackDelaySeconds: 1 },
      { status: 'SUCCESS' },
    ]);
    const startedAt = Date.now();

    await cloudFormation.delete('AKIA1');

    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990);
  });

  it('sends the id and the previous properties with UPDATE', async () => {
    const { cloudFormation, events } = cloudFormationOver([{ status: 'SUCCESS' }]);

    await cloudFormation.update(
      { Id: 'AKIA1', UserName: 'ci-bot' },
      { UserName: 'ci-bot', Serial: 2 },
    );

    expect(events[0]?.requestData).toMatchObject({
      previousResourceProperties: { Id: 'AKIA1', UserName: 'ci-bot' },
      resourceProperties: { Id: 'AKIA1', UserName: 'ci-bot', Serial: '2' },
    });
  });

  it('lists every page', async () => {
    const { cloudFormation, events } = cloudFormationOver([
      { status: 'SUCCESS', resourceModels: [{ Id: 'AKIA1' }], nextToken: 'two' },
      { status: 'SUCCESS', resourceModels: [{ Id: 'AKIA2' }], nextToken: null },
    ]);

    const outcome = await cloudFormation.list({ UserName: 'ci-bot' });

    expect(outcome.resourceModels).toEqual([{ Id: 'AKIA1' }, { Id: 'AKIA2' }]);
    expect(events.map(({ nextToken }) => nextToken)).toEqual([null, 'two']);
    expect(events[1]?.requestData.resourceProperties).toEqual({ UserName: 'ci-bot' });
  });
});
