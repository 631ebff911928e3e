// The calls of READ and LIST and nothing around them: clients made once, the SDK's own defaults.
import {
  IAMClient,
  ListAccessKeysCommand,
  ListUserTagsCommand,
  paginateListUsers,
} from '@aws-sdk/client-iam';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';

interface Event {
  readonly action: string;
  readonly region: string;
  readonly requestData: {
    readonly callerCredentials: { accessKeyId: string; secretAccessKey: string };
    readonly resourceProperties: { readonly Id?: string };
  };
}

let clients: { iam: IAMClient; ssm: SSMClient } | undefined;

export async function entrypoint({ action, region, requestData }: Event): Promise<object> {
  const { callerCredentials: credentials, resourceProperties } = requestData;
  clients ??= {
    iam: new IAMClient({ region, credentials }),
    ssm: new SSMClient({ region, credentials }),
  };
  return action === 'LIST' ? list(clients.iam) : read(clients, resourceProperties.Id ?? '');
}

async function read({ iam, ssm }: { iam: IAMClient; ssm: SSMClient }, Id: string) {
  const Names = [`/org/iam/access-key/${Id}`];
  const found = await ssm.send(new GetParametersCommand({ Names, WithDecryption: true }));
  const { userName } = JSON.parse(found.Parameters?.[0]?.Value ?? '{}') as { userName: string };
  const [listed, tagged] = await Promise.all([
    iam.send(new ListAccessKeysCommand({ UserName: userName })),
    iam.send(new ListUserTagsCommand({ UserName: userName })),
  ]);
  const key = listed.AccessKeyMetadata?.find(({ AccessKeyId }) => AccessKeyId === Id);
  const description = tagged.Tags?.find(({ Key }) => Key === Id);
  return {
    status: 'SUCCESS',
    resourceModel: { Id, Status: key?.Status, Description: description?.Value },
  };
}

async function list(iam: IAMClient) {
  const resourceModels: object[] = [];
  for await (const { Users = [] } of paginateListUsers({ client: iam, pageSize: 100 }, {})) {
    for (const { UserName } of Users) {
      const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
      resourceModels.push(...AccessKeyMetadata.map(({ AccessKeyId: Id }) => ({ Id })));
    }
  }
  return { status: 'SUCCESS', resourceModels };
}
