// The proxy between the packaged function and moto. It names each call from its signed request,
// counts the calls of each action, and does to the nth of them what the test asks for:
//
//   proxy.begin(account)              a clean slate: counts, calls, faults, holds and lags are gone,
//                                     and from now on calls go to this account of moto
//   proxy.inject(fault, call)         strikes at that call, see faults.ts
//   proxy.forgive()                   strikes no more
//   proxy.lags                        eventual consistency, see lags.ts
//   proxy.calls                       what was called since, by whom, and how it ended
//   proxy.secrets                     the secret of every key that was ever made through the proxy
//
// A barrier for races and crashes: calls that match wait until the test lets them go on.
//
//   const held = proxy.hold('before', ({ action }) => action === 'CreateAccessKey');
//   await held.reached(2);            two such calls are waiting; both have had no effect yet
//   held.release();                   they go on, and later ones are not held any more
//   held.drop();                      or: their connections are closed, and what was not passed on
//                                     never will be
//
// 'after' holds a call that took effect, with its answer. What matches can look at the call's
// `signer`, so that two functions that share one proxy are told apart by their credentials.
import { getLocal, type CompletedRequest, type Mockttp } from 'mockttp';
import type { AwsProxy } from '../support/aws-proxy.ts';
import type { Answer, Message } from './answers.ts';
import { toCall, type Call, type CallPoint } from './calls.ts';
import type { Fault } from './faults.ts';
import { LaggingView, type Lags } from './lags.ts';

export interface RecordedCall extends Call {
  readonly nth: number;
  /** `pending`, the status that AWS answered with, or the name of the fault that struck. */
  outcome: string;
}

export interface Held {
  /** Resolves when so many matching calls wait. */
  reached(calls?: number): Promise<void>;
  release(): void;
  drop(): void;
}

interface Hold {
  readonly when: 'before' | 'after';
  readonly matches: (call: Call & CallPoint) => boolean;
  readonly waiting: ((goesOn: boolean) => void)[];
  readonly noticed: { readonly calls: number; readonly notice: () => void }[];
}

interface Injected {
  readonly fault: Fault;
  readonly at: CallPoint;
}

/** Everything that ends with `begin`. */
class Slate {
  readonly account: string;
  readonly calls: RecordedCall[] = [];
  readonly holds: Hold[] = [];
  readonly view = new LaggingView();
  readonly ended = new AbortController();
  readonly strikes: Promise<Answer>[] = [];
  injected: Injected[] = [];

  constructor(account: string) {
    this.account = account;
  }

  nextOf({ service, action }: Pick<Call, 'service' | 'action'>): number {
    const same = this.calls.filter((call) => call.service === service && call.action === action);
    return same.length + 1;
  }

  findFault({ service, action, nth }: CallPoint): Fault | undefined {
    const isHit = ({ fault, at }: Injected): boolean =>
      service === at.service && action === at.action && nth >= at.nth && nth < at.nth + fault.times;
    return this.injected.find(isHit)?.fault;
  }
}

const NOT_FORWARDED = ['connection', 'content-length', 'expect', 'host', 'transfer-encoding'];
const NOT_RETURNED = ['connection', 'content-length', 'content-encoding', 'transfer-encoding'];

export class FaultProxy {
  readonly secrets = new Map<string, string>();
  readonly #server: Mockttp;
  readonly #upstream: AwsProxy;
  #slate = new Slate('');

  private constructor(server: Mockttp, upstream: AwsProxy) {
    this.#server = server;
    this.#upstream = upstream;
  }

  /** @param upstream where AWS is served. */
  static async start(upstream: AwsProxy): Promise<FaultProxy> {
    const server = getLocal({ recordTraffic: false, suggestChanges: false, http2: false });
    await server.start(0);
    const proxy = new FaultProxy(server, upstream);
    await server.forAnyRequest().thenCallback((request) => proxy.#serve(request));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get calls(): readonly RecordedCall[] {
    return this.#slate.calls;
  }

  get lags(): Lags {
    return this.#slate.view.lags;
  }

  begin(account: string): void {
    this.#end();
    this.#slate = new Slate(account);
  }

  /** Counts from one again, as if nothing had been called yet in this account. */
  forgetCalls(): void {
    this.#slate.calls.length = 0;
  }

  inject(fault: Fault, at: CallPoint): void {
    this.#slate.injected.push({ fault, at });
  }

  /** Resolves when every call that was struck has had what effect it has. */
  async struck(): Promise<void> {
    await Promise.all(this.#slate.strikes);
  }

  /** Nothing more is struck. */
  forgive(): void {
    this.#slate.injected = [];
  }

  hold(when: Hold['when'], matches: Hold['matches']): Held {
    const hold: Hold = { when, matches, waiting: [], noticed: [] };
    const { holds } = this.#slate;
    holds.push(hold);
    const end = (goesOn: boolean): void => {
      holds.splice(holds.indexOf(hold), 1);
      for (const resume of hold.waiting.splice(0)) resume(goesOn);
    };
    return {
      reached: (calls = 1) =>
        new Promise((notice) => {
          hold.noticed.push({ calls, notice });
          tell(hold);
        }),
      release: () => {
        end(true);
      },
      drop: () => {
        end(false);
      },
    };
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#server.stop();
  }

  #end(): void {
    this.#slate.injected = [];
    this.#slate.ended.abort();
  }

  async #serve(request: CompletedRequest): Promise<Answer> {
    const slate = this.#slate;
    const body = (await request.body.getText()) ?? '';
    const call = toCall(request.headers, body);
    const point = { ...call, nth: slate.nextOf(call) };

    if ('x-is-to-be-refused' in request.headers) {
      const refusal = slate.findFault(point);
      if (refusal?.refuses) slate.calls.push({ ...point, outcome: refusal.name });
      return { statusCode: 200, headers: {}, body: refusal?.refuses ? 'yes' : 'no' };
    }

    const recorded: RecordedCall = { ...point, outcome: 'pending' };
    slate.calls.push(recorded);
    const pass = async (): Promise<Message> => {
      const refused = slate.view.refuse(call);
      if (refused) return refused;
      const answer = await this.#forward(request, slate.view.ask(call, body), slate.account);
      slate.view.learn(call, answer);
      this.#learnSecret(call, answer);
      return slate.view.change(call, answer);
    };
    if (!(await this.#held(slate, 'before', point))) return 'close';
    const fault = slate.findFault(point);
    if (fault) recorded.outcome = fault.name;
    const strike = fault && Promise.resolve(fault.strike(call, pass, slate.ended.signal));
    if (strike) slate.strikes.push(strike);
    const answer = await (strike ?? pass());
    if (!fault) recorded.outcome = String((answer as Message).statusCode);
    if (!(await this.#held(slate, 'after', point))) return 'close';
    return answer;
  }

  /** @returns whether the call goes on; it does not where it was dropped, or all with the slate. */
  async #held(slate: Slate, when: Hold['when'], point: Call & CallPoint): Promise<boolean> {
    const { signal } = slate.ended;
    const hold = slate.holds.find((each) => each.when === when && each.matches(point));
    if (!hold || signal.aborted) return !signal.aborted;
    return new Promise((resume) => {
      hold.waiting.push(resume);
      signal.addEventListener('abort', () => {
        resume(false);
      });
      tell(hold);
    });
  }

  async #forward(request: CompletedRequest, body: string, account: string): Promise<Message> {
    const { method, path, headers } = request;
    const sent = Object.entries(headers).filter(([name]) => !NOT_FORWARDED.includes(name));
    const answer = await this.#upstream.serve(
      {
        method,
        url: path,
        headers: { ...Object.fromEntries(sent), 'x-moto-account-id': account },
      },
      body,
    );
    const returned = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined || NOT_RETURNED.includes(name) ? [] : [[name, String(value)]],
    );
    return {
      statusCode: answer.status,
      headers: Object.fromEntries(returned),
      body: answer.body,
    };
  }

  #learnSecret({ action }: Call, { body }: Message): void {
    if (action !== 'CreateAccessKey') return;
    const [, id] = /<AccessKeyId>(.*?)</.exec(body) ?? [];
    const [, secret] = /<SecretAccessKey>(.*?)</.exec(body) ?? [];
    if (id !== undefined && secret !== undefined) this.secrets.set(id, secret);
  }
}

function tell(hold: Hold): void {
  for (const { calls, notice } of hold.noticed) {
    if (hold.waiting.length >= calls) notice();
  }
}
