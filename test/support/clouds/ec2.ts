// A made-up EC2 over HTTP on loopback, for the vendor's own library and any other client of the query API. Stricter than the emulators that can be had: client tokens give
// the same machines or IdempotentParameterMismatch; user data has its 16 KB; states change by a clock that the test moves, and new things are seen
// late; capacity, quotas, a bucket of requests; malformed ids; pages; unknown parameters are refused; a request without a signature of a known key
// for its region is refused (that there is one, not that it is right: the vendor's library makes it). Any call can be made to fail, before or after it
// was carried out, and the launcher can be cut off for good after the k-th call.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ACTIONS } from './ec2-actions.ts';
import { Region } from './ec2-region.ts';
import { answerXml, Ec2Error, errorXml, type Input, readForm, text } from './ec2-wire.ts';

export const KEY_ID = 'AKIDEXAMPLE';
const REGIONS = ['us-east-1', 'eu-central-1'];
const BODY_BYTES_MAX = 1_048_576;
/** Requests of the account in a row, and how many come back in a second of the clock. */
const BUCKET = { size: 60, refillPerS: 5 };

export interface Fault {
  /** Null = whichever comes next. */
  readonly action: string | null;
  times: number;
  /** 'drop' = the connection is cut. */
  readonly code: string | 'drop';
  readonly status?: number;
  /** 'after' = it was done and the answer is lost or wrong. */
  readonly when?: 'before' | 'after';
}

export interface FakeEc2 {
  readonly url: string;
  readonly region: (name: string) => Region;
  readonly faults: Fault[];
  /** Names of the permissions that calls so far have needed. */
  readonly used: Set<string>;
  readonly denied: Set<string>;
  /** Actions in the order of their arrival, those that were refused too. */
  readonly log: string[];
  nowMs(): number;
  advance(ms: number): void;
  /** After so many more calls have been carried out, the answer of the last and all others are lost. */
  cutAfter(calls: number): void;
  isCut(): boolean;
  mend(): void;
  /** Before the call of this number in the log is carried out. */
  atCall(call: number, act: () => void): void;
  close(): Promise<void>;
}

interface Account {
  nowMs: number;
  callsLeft: number;
  bucket: number;
  filledMs: number;
}

export async function startFakeEc2(): Promise<FakeEc2> {
  const account: Account = { nowMs: 1_800_000_000_000, callsLeft: Number.POSITIVE_INFINITY, bucket: BUCKET.size, filledMs: 0 };
  account.filledMs = account.nowMs;
  const regions = new Map(REGIONS.map((name) => [name, new Region(name, () => account.nowMs)]));
  const acts = new Map<number, () => void>();
  const shared = { acts, faults: [] as Fault[], used: new Set<string>(), denied: new Set<string>(), log: [] as string[] };
  const region = (name: string): Region => {
    const found = regions.get(name);
    if (found === undefined) throw new Error(`the fake has no region ${name}`);
    return found;
  };
  const server = createServer((request, response) => {
    void answer({ account, regions, ...shared }, request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    ...{ url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, region, ...shared },
    nowMs: () => account.nowMs,
    advance(ms) {
      account.nowMs += ms;
    },
    cutAfter(calls) {
      account.callsLeft = calls;
    },
    isCut: () => account.callsLeft === 0,
    mend() {
      account.callsLeft = Number.POSITIVE_INFINITY;
    },
    atCall: (call, act) => acts.set(call, act),
    close: () => closed(server),
  };
}

const closed = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });

interface Context extends Pick<FakeEc2, 'faults' | 'used' | 'denied' | 'log'> {
  readonly account: Account;
  readonly acts: ReadonlyMap<number, () => void>;
  readonly regions: ReadonlyMap<string, Region>;
}

async function answer(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { account, log } = context;
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += chunk as string;
    if (body.length > BODY_BYTES_MAX) return void request.socket.destroy();
  }
  if (account.callsLeft === 0) return void request.socket.destroy();
  account.callsLeft -= 1;
  const requestId = `request-${log.length}`;
  const headers = { 'content-type': 'text/xml;charset=UTF-8', date: new Date(account.nowMs).toUTCString() };
  try {
    const input = readForm(body);
    const action = text(input, 'Action');
    log.push(action);
    context.acts.get(log.length)?.();
    const fault = takeFault(context, action);
    if (fault?.when === 'after') carryOut(context, action, input, request);
    if (fault?.code === 'drop') return void request.socket.destroy();
    if (fault !== undefined) throw new Ec2Error(fault.code, 'as the test asked', fault.status ?? 400);
    const output = carryOut(context, action, input, request);
    if (account.callsLeft === 0) return void request.socket.destroy();
    response.writeHead(200, headers).end(answerXml(action, output, requestId));
  } catch (error) {
    if (account.callsLeft === 0) return void request.socket.destroy();
    const known = error instanceof Ec2Error ? error : new Ec2Error('InternalError', (error as Error).stack ?? '', 500);
    response.writeHead(known.status, headers).end(errorXml(known, requestId));
  }
}

function takeFault({ faults }: Context, action: string): Fault | undefined {
  const fault = faults.find((each) => each.times > 0 && (each.action === null || each.action === action));
  if (fault !== undefined) fault.times -= 1;
  return fault;
}

function carryOut({ account, regions, used, denied }: Context, action: string, input: Input, request: IncomingMessage): Input {
  const region = regions.get(regionOf(request));
  if (region === undefined) throw new Ec2Error('AuthFailure', 'Credential should be scoped to a valid region.', 401);
  takeFromBucket(account);
  const entry = ACTIONS[action];
  if (entry === undefined) throw new Ec2Error('InvalidAction', `The action ${action} is not valid for this web service.`);
  if (text(input, 'Version') !== '2016-11-15') throw new Ec2Error('InvalidAction', `The version ${text(input, 'Version')} is not known`);
  for (const key of Object.keys(input))
    if (!['Action', 'Version', 'DryRun', ...entry.parameters].includes(key))
      throw new Ec2Error('UnknownParameter', `The parameter ${key} is not recognized`);
  const needed = permissionsOf(action, input);
  for (const permission of needed) used.add(permission);
  if (needed.some((permission) => denied.has(permission)))
    throw new Ec2Error('UnauthorizedOperation', `You are not authorized to perform this operation: ${action}`, 403);
  if (input.DryRun !== 'true') return entry.run(region, input);
  // RunInstances checks its parameters before it says what it would have done; the others here have nothing to check.
  if (action === 'RunInstances') entry.run(region, input);
  throw new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

function permissionsOf(action: string, input: Input): readonly string[] {
  const isMarking = input.TagSpecification !== undefined;
  const isLooking = typeof input.ImageId === 'string' && input.ImageId.startsWith('resolve:ssm:');
  return [`ec2:${action}`, ...(isMarking ? ['ec2:CreateTags'] : []), ...(isLooking ? ['ssm:GetParameters'] : [])];
}

/** From the scope of the signature, which is also where EC2 takes it from. */
function regionOf(request: IncomingMessage): string {
  const { authorization = '' } = request.headers;
  if (authorization === '') throw new Ec2Error('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/ec2\/aws4_request, SignedHeaders=([\w;-]+), Signature=[0-9a-f]{64}$/;
  const [, keyId, region = '', signed = ''] = pattern.exec(authorization) ?? [];
  if (keyId === undefined) throw new Ec2Error('IncompleteSignature', 'the Authorization header has not the form of Signature Version 4');
  if (keyId !== KEY_ID) throw new Ec2Error('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
  if (!signed.split(';').includes('host') || !/^\d{8}T\d{6}Z$/.test(String(request.headers['x-amz-date'])))
    throw new Ec2Error('IncompleteSignature', 'host and x-amz-date belong to the signature');
  return region;
}

function takeFromBucket(account: Account): void {
  const refill = ((account.nowMs - account.filledMs) / 1000) * BUCKET.refillPerS;
  account.bucket = Math.min(BUCKET.size, account.bucket + refill);
  account.filledMs = account.nowMs;
  if (account.bucket < 1) throw new Ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503);
  account.bucket -= 1;
}
