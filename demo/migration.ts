import { readFile } from 'node:fs/promises';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { identify, type Account } from './account.ts';
import { expectGone, expectKeys, expectToEnd, verify, type Step } from './life.ts';
import { LocalStack, loadTemplate, type ResourceToImport, type Template } from './local-stack.ts';
import type { Stage } from './stage.ts';

const FOLDER = 'examples/migrate';
const COPY_NAME = 'ci-bot-credentials-copy';

/** A key's way from AWS::IAM::AccessKey to this type, with the templates of examples/migrate. */
export function migrationOf(stage: Stage): readonly Step[] {
  const { credentials, endpoint, region } = stage.account;
  const secretsManager = new SecretsManagerClient({
    region,
    credentials,
    ...(endpoint && { endpoint }),
  });
  const stack = new LocalStack(stage);
  let original = '';

  /** What whoever uses the key finds, in the secret that the stack hands it on with. */
  const readCredentials = async (): Promise<string> => {
    const SecretId = String(await stack.output('CredentialsArn'));
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    return String(SecretString);
  };

  /** The key is the one that it was, and both the stack and its user still get at it. */
  const expectUntouched = async (): Promise<void> => {
    await expectKeys(stage, { [original]: 'Active' });
    await expectCredentials(stage, await readCredentials(), original);
    verify((await stack.output('AccessKeyId')) === original, 'the output AccessKeyId has changed');
  };

  return [
    {
      title: '0-before.yaml: a stack makes the key as AWS::IAM::AccessKey',
      async run(_, say) {
        const events = await stack.update(await load('0-before.yaml'));
        expectEvents(events, ['CREATE User', 'CREATE AccessKey', 'CREATE Credentials']);
        original = stack.physicalId('AccessKey');
        await expectUntouched();
        say(`${original} works, with the secret that the stack hands on: ${events.join(', ')}`);
      },
    },
    {
      title: 'A copy of the credentials is put aside, outside of the stack',
      async run() {
        const SecretString = await readCredentials();
        await secretsManager.send(new CreateSecretCommand({ Name: COPY_NAME, SecretString }));
      },
    },
    {
      title: '1-retain.yaml: the key is to be kept, and nothing refers to it any more',
      async run(_, say) {
        const events = await stack.update(await load('1-retain.yaml'), { AccessKeyId: original });
        expectEvents(events, ['UPDATE Credentials']);
        await expectUntouched();
        say(`${original} works: ${events.join(', ')}, with the same content`);
      },
    },
    {
      title: '2-removed.yaml: the stack lets go of the key, which stays',
      async run(_, say) {
        const events = await stack.update(await load('2-removed.yaml'), { AccessKeyId: original });
        expectEvents(events, ['RETAIN AccessKey']);
        await expectUntouched();
        say(`${original} works: ${events.join(', ')}`);
      },
    },
    {
      title: '3-imported.yaml: Org::IAM::AccessKey takes the key over, by its id alone',
      async run(_, say) {
        const resources = await loadResourcesToImport(original);
        const imported = await stack.import(await load('3-imported.yaml'), resources);
        verify(imported.length === 1, `${imported.length} resources imported instead of one`);
        for (const { model, drift } of imported) {
          verify(drift.length === 0, `READ differs from the template in ${drift.join(', ')}`);
          for (const name of ['SecretAccessKey', 'SesSmtpPassword', 'SesSmtpEndpoint']) {
            verify(!(name in model), `READ gives ${name} of a key whose secret nobody can know`);
          }
          say(`READ gives ${Object.keys(model).join(', ')}, as the template says, and no secret`);
        }
        verify(stack.physicalId('AccessKey') === original, 'the import has changed the key id');
        await expectUntouched();
        say(`${original} works; READ waits some seconds for the record of so young a key`);
      },
    },
    {
      title: 'Drift: none; deactivated behind its back, it shows',
      async run(_, say) {
        await expectDrift(stack, []);
        await stage.setStatus(original, 'Inactive');
        await expectDrift(stack, ['Status']);
        say('drift in Status: template Active, READ Inactive');
        await stage.setStatus(original, 'Active');
        await expectUntouched();
      },
    },
    {
      title: 'UPDATE deactivates the imported key and activates it again',
      async run(_, say) {
        const template = await load('3-imported.yaml');
        const parameters = { AccessKeyId: original };
        const events = await stack.update(withStatus(template, 'Inactive'), parameters);
        await expectKeys(stage, { [original]: 'Inactive' });
        events.push(...(await stack.update(template, parameters)));
        expectEvents(events, ['UPDATE AccessKey', 'UPDATE AccessKey']);
        await expectUntouched();
        say(`${original} works: ${events.join(', ')}`);
      },
    },
    {
      title: '4-whole.yaml: a higher Serial makes a key whose secret the type keeps',
      async run(_, say) {
        const events = await stack.update(await load('4-whole.yaml'));
        expectEvents(events, ['CREATE AccessKey', 'UPDATE Credentials', 'DELETE AccessKey']);
        const successor = stack.physicalId('AccessKey');
        verify(successor !== original, 'the higher Serial has made no new key');
        await expectKeys(stage, { [successor]: 'Active' });
        await expectGone(stage, original);
        await expectDrift(stack, []);
        await expectCredentials(stage, await readCredentials(), successor);
        say(`${successor} works, with the secret that READ gives: ${events.join(', ')}`);
      },
    },
    {
      title: 'The stack and the copy are deleted, and nothing is left',
      async run(_, say) {
        const events = await stack.delete();
        expectEvents(events, ['DELETE Credentials', 'DELETE AccessKey', 'DELETE User']);
        await secretsManager.send(
          new DeleteSecretCommand({ SecretId: COPY_NAME, ForceDeleteWithoutRecovery: true }),
        );
        const { SecretList = [] } = await secretsManager.send(new ListSecretsCommand({}));
        const left = [...SecretList.map(({ Name }) => Name), ...(await stage.parameterNames())];
        verify(left.length === 0, `left behind: ${left.join(', ')}`);
        say(events.join(', '));
        await expectToEnd(stage);
      },
    },
  ];
}

function load(name: string): Promise<Template> {
  return loadTemplate(`${FOLDER}/${name}`);
}

/** The file's key id is an example. */
async function loadResourcesToImport(accessKeyId: string): Promise<ResourceToImport[]> {
  const text = await readFile(`${FOLDER}/resources-to-import.json`, 'utf8');
  return (JSON.parse(text) as ResourceToImport[]).map((resource) => ({
    ...resource,
    ResourceIdentifier: { ...resource.ResourceIdentifier, Id: accessKeyId },
  }));
}

function withStatus(template: Template, status: string): Template {
  const Resources = Object.entries(template.Resources).map(([logicalId, resource]) => {
    const isKey = 'Status' in resource.Properties;
    const properties = { ...resource.Properties, ...(isKey && { Status: status }) };
    return [logicalId, { ...resource, Properties: properties }];
  });
  return { ...template, Resources: Object.fromEntries(Resources) as Template['Resources'] };
}

function expectEvents(events: readonly string[], expected: readonly string[]): void {
  const [was, should] = [events.join(', '), expected.join(', ')];
  verify(was === should, `the stack does: ${was || 'nothing'}; instead of: ${should}`);
}

async function expectDrift(stack: LocalStack, expected: readonly string[]): Promise<void> {
  const drift = await stack.detectDrift('AccessKey');
  verify(
    drift.join() === expected.join(),
    `drift in [${drift.join(', ')}] instead of [${expected.join(', ')}]`,
  );
}

/** They are the key's, and AWS accepts what they sign. */
async function expectCredentials(stage: Stage, secret: string, id: string): Promise<void> {
  const { account, userName } = stage;
  const { AccessKeyId, SecretAccessKey = '' } = JSON.parse(secret) as Record<string, string>;
  verify(AccessKeyId === id, `whoever uses the key finds ${String(AccessKeyId)} instead of ${id}`);
  const credentials = { accessKeyId: id, secretAccessKey: SecretAccessKey };
  // moto compares signatures only while it enforces IAM.
  await limitUnsignedCalls(account, '0');
  try {
    const { arn } = await identify(account, credentials);
    verify(arn.endsWith(`:user/${userName}`), `STS takes the holder of ${id} for ${arn}`);
  } finally {
    await limitUnsignedCalls(account, 'inf');
  }
}

async function limitUnsignedCalls({ endpoint }: Account, count: string): Promise<void> {
  await fetch(`${String(endpoint)}/moto-api/reset-auth`, { method: 'POST', body: count });
}
