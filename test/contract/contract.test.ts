import { CreateUserCommand, IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { readFile } from 'node:fs/promises';
import { startFunction, type LocalFunction } from '../../local/function.ts';
import { startInvokeEndpoint, type InvokeEndpoint } from '../../local/invoke-endpoint.ts';
import { startMoto, type LocalAws } from '../../local/moto.ts';
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
] as const;

describe.each(INPUT_SETS)('AWS contract suite, input set %i: %s', (set) => {
  let aws: LocalAws;
  let lambda: LocalFunction;
  let invokeEndpoint: InvokeEndpoint;
  let results: ReadonlyMap<string, ContractResult>;
  let userName: string;
  let iam: IAMClient;
  let ssm: SSMClient;

  beforeAll(async () => {
    aws = await startMoto();
    lambda = await startFunction({ endpoint: aws.endpoint });
    invokeEndpoint = await startInvokeEndpoint(lambda);
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    iam = new IAMClient({ endpoint: aws.endpoint, region: 'us-east-1', credentials });
    ssm = new SSMClient({ endpoint: aws.endpoint, region: 'us-east-1', credentials });
    userName = await readUserName(set);
    await iam.send(new CreateUserCommand({ UserName: userName }));

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

  it('leaves no key and no parameter behind', async () => {
    const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName: userName }));
    const { Parameters } = await ssm.send(new DescribeParametersCommand({}));

    expect({ AccessKeyMetadata, Parameters }).toEqual({ AccessKeyMetadata: [], Parameters: [] });
  });
});

async function readUserName(set: number): Promise<string> {
  const inputs = await readFile(`inputs/inputs_${set}_create.json`, 'utf8');
  return (JSON.parse(inputs) as { UserName: string }).UserName;
}
