import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import { refuse, type Behaviour } from '../support/aws-proxy.ts';
import { LocalType, newCredentials, PREFIX, REGION } from '../support/local-type.ts';
import { Account, toLine } from './account.ts';

/** What befalls one call of an operation, counted from zero. None of them may change its outcome. */
export interface Fault {
  readonly kind: 'throttled twice' | '503 before' | 'answer lost' | 'mint lost';
  readonly call: number;
}

/** The packaged type and moto, for one script after another. */
export class World {
  readonly type = new LocalType();
  /** The script that runs, in readable lines, with what came of each. */
  readonly script: string[] = [];
  /** The call that the last operation's fault hit. */
  struck: { readonly action: string; readonly kind: Fault['kind'] } | undefined;
  readonly #caller = newCredentials('caller');
  readonly #secrets = new Map<string, string>();
  readonly #old = new Set<string>();
  /** The names that users had when their keys were made, where they have another since. */
  readonly #formerNames = new Map<unknown, string>();
  #ssm!: SSMClient;
  #stack!: CloudFormation;
  #fault: { readonly kind: Fault['kind']; calls: number; times: number } | undefined;

  async start(): Promise<void> {
    await this.type.start();
    const { aws, proxy } = this.type;
    const credentials = { accessKeyId: 'onlooker', secretAccessKey: 'onlooker' };
    this.#ssm = new SSMClient({ endpoint: aws.endpoint, region: REGION, credentials });
    proxy.use(this.#makeWay);
    proxy.use(this.#ageAndNotice);
    proxy.use(this.#strike);
  }

  async stop(): Promise<void> {
    await this.type.aws.reset();
    this.#ssm.destroy();
    await this.type.stop();
  }

  /** A new stack in an empty account, with these users. */
  async begin(...userNames: string[]): Promise<Account> {
    await this.type.aws.reset();
    Object.assign(this.type.pageSizes, { users: 2, keys: 1 });
    this.script.length = 0;
    this.#stack = this.type.cloudFormation({ credentials: this.#caller });
    const account = new Account();
    for (const name of userNames) {
      await this.type.createUser(name);
      account.users.push({ name });
    }
    return account;
  }

  async operate(
    operation: (stack: CloudFormation) => Promise<Outcome>,
    fault?: Fault,
  ): Promise<Outcome> {
    this.struck = undefined;
    this.#fault = fault && {
      kind: fault.kind,
      calls: fault.call,
      times: fault.kind === 'throttled twice' ? 2 : 1,
    };
    const outcome = await operation(this.#stack);
    this.#fault = undefined;
    const { errorCode, message, status } = outcome;
    const end = errorCode ? `${errorCode}: ${String(message)}` : status;
    this.#note(`-> ${end}`);
    return outcome;
  }

  secretOf(id: unknown): string {
    return this.#secrets.get(String(id)) ?? '';
  }

  /** Makes a key look as if it were years old: for what happens to keys of a certain age only. */
  age(id: string): void {
    this.#old.add(id);
  }

  async editRecord(id: string, change: Properties): Promise<void> {
    const name = `${PREFIX}/${id}`;
    const record = JSON.parse((await this.type.parameter(name)).value) as Properties;
    await this.type.overwriteParameter(name, JSON.stringify({ ...record, ...change }));
  }

  async renameUser(userName: string, newName: string, ids: readonly string[]): Promise<void> {
    await this.type.renameUser(userName, newName);
    for (const id of ids) {
      if (!this.#formerNames.has(id)) this.#formerNames.set(id, userName);
    }
  }

  /** What there is, as moto has it. */
  async holdings(): Promise<{ keys: string[]; parameters: string[] }> {
    const keys: string[] = [];
    for (const name of await this.#ask('ListUsers', {}, 'UserName')) {
      const [ids, statuses] = await Promise.all([
        this.#ask('ListAccessKeys', { UserName: name }, 'AccessKeyId'),
        this.#ask('ListAccessKeys', { UserName: name }, 'Status'),
      ]);
      keys.push(...ids.map((id, index) => `${name} ${id} ${String(statuses[index])}`));
    }
    const command = new GetParametersByPathCommand({
      Path: '/',
      Recursive: true,
      WithDecryption: true,
      MaxResults: 10,
    });
    const parameters: string[] = [];
    do {
      const page = await this.#ssm.send(command);
      for (const { Name = '', Value = '' } of page.Parameters ?? []) {
        parameters.push(whatSays(Name.replace(`${PREFIX}/`, ''), Value));
      }
      command.input.NextToken = page.NextToken;
    } while (command.input.NextToken);
    return { keys: keys.sort(), parameters: parameters.sort() };
  }

  /** Adds to the last line of the script. */
  #note(text: string): void {
    this.script.push(`${this.script.pop() ?? ''} ${text}`);
  }

  async #ask(
    action: string,
    parameters: Readonly<Record<string, string>>,
    element: string,
  ): Promise<string[]> {
    const { body } = await this.type.proxy.ask(action, parameters);
    return [...body.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(
      ([, value = '']) => value,
    );
  }

  /**
   * moto deletes a key under the name that its user had once, and strict IAM gives the user that
   * name for the moment: whoever has it by now must make way.
   */
  readonly #makeWay: Behaviour = async (call, next) => {
    const { action, parameters } = call;
    const UserName = this.#formerNames.get(parameters.AccessKeyId);
    if (action !== 'DeleteAccessKey' || UserName === undefined || UserName === parameters.UserName)
      return next(call);
    const { proxy } = this.type;
    const aside = 'aside';
    const moved = await proxy.ask('UpdateUser', { UserName, NewUserName: aside });
    const answer = await next(call);
    if (moved.status === 200) {
      await proxy.ask('UpdateUser', { UserName: aside, NewUserName: UserName });
    }
    return answer;
  };

  readonly #ageAndNotice: Behaviour = async (call, next) => {
    const answer = await next(call);
    const [, id = ''] = /<AccessKeyId>([^<]+)</.exec(answer.body) ?? [];
    const [, secret] = /<SecretAccessKey>([^<]+)</.exec(answer.body) ?? [];
    if (call.action === 'CreateAccessKey' && secret) this.#secrets.set(id, secret);
    if (call.action !== 'ListAccessKeys') return answer;
    const body = answer.body.replaceAll(/<member>.*?<\/member>/gs, (member) => {
      const [, listed = ''] = /<AccessKeyId>([^<]+)</.exec(member) ?? [];
      const date = '<CreateDate>2020-02-03T04:05:06Z</CreateDate>';
      return this.#old.has(listed)
        ? member.replace(/<CreateDate>[^<]*<\/CreateDate>/, date)
        : member;
    });
    return { ...answer, body };
  };

  readonly #strike: Behaviour = async (call, next) => {
    const fault = this.#fault;
    if (!fault || call.accessKeyId !== this.#caller.accessKeyId || fault.times === 0)
      return next(call);
    const mints = call.action === 'CreateAccessKey';
    // Where the answer to it may be lost, CREATE waits for many seconds: only one fault does that.
    const isSpared =
      fault.kind === 'mint lost' ? !mints : mints && fault.kind !== 'throttled twice';
    if (isSpared || (this.struck && this.struck.action !== call.action)) return next(call);
    if (fault.kind !== 'mint lost' && fault.calls-- > 0) return next(call);
    fault.times -= 1;
    this.struck = { action: call.action, kind: fault.kind };
    this.#note(`(${call.action} ${fault.kind})`);
    switch (fault.kind) {
      case 'throttled twice':
        return refuse(call, 400, 'ThrottlingException', 'Rate exceeded');
      case '503 before':
        return refuse(call, 503, 'ServiceUnavailable', 'try again');
      case 'answer lost':
      case 'mint lost': {
        const answer = await next(call);
        // A refusal would cost CREATE all its time.
        if (mints && answer.status !== 200) return answer;
        throw new Error(fault.kind);
      }
    }
  };
}

function whatSays(id: string, value: string): string {
  try {
    return toLine(id, JSON.parse(value) as Properties);
  } catch {
    return `${id} ${value}`;
  }
}
