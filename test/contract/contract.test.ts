import {
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserTagsCommand,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { readFile } from 'node:fs/promises';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import { startInvokeEndpoint, type InvokeEndpoint } from '../../local/lambda-invoke-endpoint.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { runContractSuite, type ContractResult } from './contract-suite.ts';

const APPLICABLE = [
  'contract_check_asserts_work',
  'contract_create_delete',
  'contract_create_list',
  'contract_create_read',
  'contract_delete_delete',
  'contract_delete_list',
  'contract_delete_read',
  'contract_delete_update',
  'contract_update_list',
  'contract_update_read',
  'contract_update_without_create',
];

// IAM chooses the id of a key, so that none can be created twice, and access keys have no tags.
const SKIPPED = [
  ['contract_create_create', 'No writable identifiers. Skipping test.'],
  ['contract_create_taggable', 'Resource is not taggable. Skipping test.'],
  ['contract_delete_create', 'No writable identifiers. Skipping test.'],
  ['contract_update_tag_updatable', 'Resource is not tagUpdatable. Skipping test.'],
] as const;

const INPUT_SETS = [
  [1, 'a key that is Active, then Inactive'],
  [2, 'a key that is Inactive, then Active'],
  [3, 'a key with a Serial'],
  [4, 'a key with a Description'],
  [5, 'a key with a SecretId, SecretKeys and a SesRegion'],
  [6, 'a key with a PreviousKey'],
] as const;

describe.each(INPUT_SETS)('AWS contract suite, input set %i: %s', (set) => {
  let aws: LocalAws;
  let lambda: LocalFunction;
  let invokeEndpoint: InvokeEndpoint;
  let results: ReadonlyMap<string, ContractResult>;
  let inputs: Inputs;
  let iam: IAMClient;
  let ssm: SSMClient;
  let secretsManager: SecretsManagerClient;

  beforeAll(async () => {
    aws = await startMoto();
    lambda = await startFunction({ endpoint: aws.endpoint });
    invokeEndpoint = await startInvokeEndpoint(lambda);
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const configuration = { endpoint: aws.endpoint, region: 'us-east-1', credentials };
    iam = new IAMClient(configuration);
    ssm = new SSMClient(configuration);
    secretsManager = new SecretsManagerClient(configuration);
    inputs = await readInputs(set);
    await iam.send(new CreateUserCommand({ UserName: inputs.UserName }));
    if (inputs.SecretId !== undefined) {
      await secretsManager.send(new CreateSecretCommand({ Name: inputs.SecretId }));
    }

    results = await runContractSuite(set, {
      endpoint: aws.endpoint,
      invokeUrl: invokeEndpoint.url,
    });
  }, 300_000);

  afterAll(async () => {
    await invokeEndpoint.stop();
    await lambda.stop();
    await aws.stop();
    iam.destroy();
    ssm.destroy();
    secretsManager.destroy();
  });

  it.each(APPLICABLE)('passes %s', (name) => {
    expect(results.get(name)).toEqual({ outcome: 'passed', reason: '' });
  });

  it.each(SKIPPED)('is not asked for %s: %s', (name, reason) => {
    expect(results.get(name)).toEqual({ outcome: 'skipped', reason });
  });

  it('is asked for nothing else', () => {
    const known = [...APPLICABLE, ...SKIPPED.map(([name]) => name)];

    expect([...results.keys()].sort()).toEqual(known.sort());
  });

  it('leaves no key, no parameter and no description behind', async () => {
    const { UserName } = inputs;
    const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName }));
    const { Parameters } = await ssm.send(new DescribeParametersCommand({}));
    const { Tags } = await iam.send(new ListUserTagsCommand({ UserName }));

    expect({ AccessKeyMetadata, Parameters, Tags }).toEqual({
      AccessKeyMetadata: [],
      Parameters: [],
      Tags: [],
    });
  });

  it('leaves no version pending, of the secret if there is one', async () => {
    const { SecretId } = inputs;
    const { VersionIdsToStages = {} } =
      SecretId === undefined
        ? {}
        : await secretsManager.send(new DescribeSecretCommand({ SecretId }));

    const stages = Object.values(VersionIdsToStages).flat();
    expect(stages.includes('AWSCURRENT')).toBe(SecretId !== undefined);
    expect(stages).not.toContain('AWSPENDING');
  });
});

interface Inputs {
  readonly UserName: string;
  readonly SecretId?: string;
}

async function readInputs(set: number): Promise<Inputs> {
  return JSON.parse(await readFile(`inputs/inputs_${set}_create.json`, 'utf8')) as Inputs;
}
