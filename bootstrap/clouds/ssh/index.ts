// Hosts that exist already, such as a data centre's machines: a machine is a process group on one of them, started over ssh (host-programs.ts). A region is a
// group of the inventory, zones are values of labels, and a host carries one machine at a time, whoever's run it is. Hosts are tried in the file's
// order; one that is busy or does not answer is passed over for the next, so an order is short only when hosts are. Nothing of a run stays on a host
// but a machine that cannot be reached, and that one has its own kill timer.

import { ok } from '../../../node/core/errors.ts';
import { suggestion } from '../../../node/core/suggest.ts';
import type { Cloud, CloudFinding, CloudType, Instance, LaunchOrder, LaunchOutcome, Refusal } from '../../cloud.ts';
import { callHost, type HostAnswer } from './host-call.ts';
import { endProgram, listProgram, lookProgram, markOf, startProgram } from './host-programs.ts';
import { type Host, type Inventory, readInventory } from './inventory.ts';

/** A host takes half a second to log in; more at once is load on this machine, which carries the seed. */
const CALLS_MAX = 16;
const USER_DATA_BYTES_MAX = 512 * 1024;
const CORES_TYPE = /^c([1-9]\d{0,2})$/;
const WORD = /^[A-Za-z0-9-]{1,40}$/;

type Call = (host: Host, program: string) => Promise<HostAnswer>;

function createSshCloud(inventory: Inventory, call: Call): Cloud {
  const hostsOf = (region: string): readonly Host[] => inventory.get(region) ?? [];
  return {
    validate: async (order) => wrongIn(order, inventory),
    plan: ({ count, region }) => ({
      batches: Array.from({ length: count }, () => 1),
      notes: [`one machine on each of ${count} of the ${hostsOf(region).length} hosts of ${region}, ${CALLS_MAX} calls at once`],
    }),
    launch: (order, signal) => launch(order, candidatesFor(order, hostsOf(order.region)), call, signal),
    list: (filter) => list(hostsOf(filter.region), call, filter),
    async terminate({ region, runId }, ids) {
      if (!WORD.test(runId)) return { ended: [], refusals: [wrong(`'${runId}' is no run id`, 'letters, digits and -')] };
      const mine = ids.filter((id) => id.slice(id.indexOf('/') + 1).startsWith(`${runId}.`));
      const answers = await pooled(hostsOf(region), async (host) => {
        const marks = mine.filter((id) => id.startsWith(`${host.name}/`)).map((id) => id.slice(host.name.length + 1));
        return { host, marks, answer: await call(host, endProgram(host.folder, runId, marks.filter(isMark))) };
      });
      const left = (name: string, { lines, refusal }: HostAnswer, mark: string): boolean =>
        refusal !== null || lines.includes(`left ${mark}`);
      return {
        ended: answers.flatMap(({ host, marks, answer }) =>
          marks.filter((mark) => !left(host.name, answer, mark)).map((mark) => `${host.name}/${mark}`),
        ),
        refusals: answers.flatMap(({ host, answer }) => [
          ...(answer.refusal === null ? [] : [answer.refusal]),
          ...answer.lines.map((line) => notEnded(host, line)),
        ]),
      };
    },
    check: (region) => check(hostsOf(region), region, call),
  };
}

const isMark = (mark: string): boolean => /^[A-Za-z0-9-]+\.[a-z0-9-]+$/.test(mark);

/** Hosts that a type fits, in the order of types and then of the file, each with that type. */
function candidatesFor({ machineTypes, zones }: LaunchOrder, hosts: readonly Host[]): Map<Host, string> {
  const found = new Map<Host, string>();
  for (const type of machineTypes) {
    for (const host of hosts) {
      const isThere = zones.length === 0 || Object.values(host.labels).some((value) => zones.includes(value));
      if (isThere && fits(host, type) && !found.has(host)) found.set(host, type);
    }
  }
  return found;
}

function fits({ cores }: Host, type: string): boolean {
  const wanted = CORES_TYPE.exec(type)?.[1];
  return wanted === undefined ? type === 'host' : cores !== null && cores >= Number(wanted);
}

async function launch(order: LaunchOrder, candidates: Map<Host, string>, call: Call, signal: AbortSignal): Promise<LaunchOutcome> {
  if (signal.aborted) return { instances: [], refusals: [] };
  const listed = await pooled([...candidates.keys()], async (host) => ({ host, found: await list([host], call, order) }));
  const instances = listed.flatMap(({ found }) =>
    found.ok ? found.value.filter(({ orderId, state }) => orderId === order.orderId && state === 'running') : [],
  );
  const refusals: Refusal[] = listed.flatMap(({ found }) => (found.ok ? [] : found.problems));
  const taken = new Set(instances.map(({ id }) => id));
  const free = listed.filter(({ host, found }) => found.ok && !taken.has(`${host.name}/${markOf(order)}`)).map(({ host }) => host);
  const places = Array.from({ length: Math.max(0, order.count - instances.length) });
  await pooled(places, async () => {
    for (let host = free.shift(); host !== undefined && !signal.aborted; host = free.shift()) {
      const started = await start(host, candidates.get(host) as string, order, call);
      if (started.ok) return instances.push(started.value);
      refusals.push(...started.refusals);
    }
    return 0;
  });
  if (instances.length >= order.count) return { instances, refusals: [] };
  return { instances, refusals: [...refusals, ...(signal.aborted ? [] : [tooFew(order, instances.length, candidates.size)])] };
}

type Started = { readonly ok: true; readonly value: Instance } | { readonly ok: false; readonly refusals: readonly Refusal[] };

async function start(host: Host, machineType: string, order: LaunchOrder, call: Call): Promise<Started> {
  const marks = { ...order, machineType };
  const { lines, refusal } = await call(host, startProgram(host.folder, marks, order.userData, Math.ceil(order.wallMsMax / 1000)));
  if (refusal !== null) return { ok: false, refusals: [refusal] };
  const [word = 'nothing', ...rest] = (lines.at(-1) ?? '').split(' ');
  if (word === 'started' || word === 'running') return { ok: true, value: instanceOf(host, order.region, { ...marks, state: 'running' }) };
  const why = word === 'busy' ? `it carries ${rest.join(' ')}` : `the machine is ${word}: ${rest.join(' ')}`;
  const hint = word === 'busy' ? `wait, or quilt-swarm reap ${rest[0]?.split('.')[0]}` : 'take another run id, or look at the host';
  const cause = word === 'busy' ? 'capacity' : 'vendor';
  return { ok: false, refusals: [{ code: 'QUILT_SSH_START', message: `${host.name}: ${why}`, hint, cause }] };
}

interface Filter {
  readonly region: string;
  readonly runId: string | null;
}

type Listed = { readonly ok: true; readonly value: readonly Instance[] } | { readonly ok: false; readonly problems: readonly Refusal[] };

/** A host that does not answer may carry a machine, so the list is not known without it. */
async function list(hosts: readonly Host[], call: Call, { region, runId }: Filter): Promise<Listed> {
  const answers = await pooled(hosts, async (host) => ({ host, ...(await call(host, listProgram(host.folder))) }));
  const refusals = answers.flatMap(({ refusal }) => (refusal === null ? [] : [refusal]));
  if (refusals.length > 0) return { ok: false, problems: refusals };
  const instances = answers.flatMap(({ host, lines }) =>
    lines.map((line) => {
      const [run = '', orderId = '', expires = '', machineType = '', state] = line.split(' ');
      const marks = { runId: run, orderId, expiresWallMs: Number(expires), machineType };
      return instanceOf(host, region, { ...marks, state: state === 'running' ? 'running' : 'gone' });
    }),
  );
  return { ok: true, value: instances.filter((instance) => runId === null || instance.runId === runId) };
}

type InstanceMarks = Pick<Instance, 'runId' | 'orderId' | 'expiresWallMs' | 'machineType' | 'state'>;

const instanceOf = (host: Host, region: string, { runId, orderId, expiresWallMs, machineType, state }: InstanceMarks): Instance => ({
  ...{ id: `${host.name}/${markOf({ runId, orderId })}`, runId, orderId, expiresWallMs, region, zone: null, machineType },
  ...{ market: 'on-demand', state, publicAddress: host.host, privateAddress: null },
});

/** `work` over all, a bounded number at once, in order. */
async function pooled<Item, Answer>(items: readonly Item[], work: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) answers[index] = await work(items[index] as Item);
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_MAX, items.length) }, worker));
  return answers;
}

const wrong = (message: string, hint: string): Refusal => ({ code: 'QUILT_SSH_ORDER', message, hint, cause: 'invalid' });

function wrongIn(order: LaunchOrder, inventory: Inventory): Refusal[] {
  const { region, machineTypes, zones, count, markets, userData, runId, orderId, wallMsMax, image } = order;
  const hosts = inventory.get(region);
  if (hosts === undefined) return [wrong(`the inventory has no group '${region}'`, suggestion(region, [...inventory.keys()]))];
  const refusals: Refusal[] = [];
  const strange = machineTypes.find((type) => type !== 'host' && !CORES_TYPE.test(type));
  const found = candidatesFor(order, hosts).size;
  const labels = new Set(hosts.flatMap((host) => Object.values(host.labels)));
  const nowhere = zones.find((zone) => !labels.has(zone));
  if (strange !== undefined) refusals.push(wrong(`ssh has no machine type '${strange}'`, 'host is a whole host, c8 eight cores of one'));
  if (nowhere !== undefined) refusals.push(wrong(`no host of ${region} has the label '${nowhere}'`, suggestion(nowhere, [...labels])));
  if (count < 1) refusals.push(wrong(`${count} machines`, 'ask for at least one'));
  else if (strange === undefined && count > found)
    refusals.push(wrong(`${count} machines, and ${found} hosts of ${region} fit`, 'ask for fewer, or add hosts (cN needs `cores`)'));
  if (!markets.includes('on-demand')) refusals.push(wrong('ssh has no spot market', 'leave @spot away, or write @spot+'));
  if (image !== null) refusals.push(wrong('hosts run what they run', 'leave --image away'));
  if (Buffer.byteLength(userData) > USER_DATA_BYTES_MAX)
    refusals.push(wrong('the boot script is too long', `at most ${USER_DATA_BYTES_MAX} bytes`));
  if (userData !== '' && !userData.startsWith('#!')) refusals.push(wrong('the boot script is none', 'it starts with #!'));
  if (userData.includes('\0')) refusals.push(wrong('the boot script has a zero byte', 'a shell script is text'));
  if (!WORD.test(runId) || !isMark(markOf(order)))
    refusals.push(wrong(`'${runId}' and '${orderId}' are no marks`, 'letters, digits and -'));
  if (!(wallMsMax > 0)) refusals.push(wrong(`a kill timer of ${wallMsMax} ms`, 'give a time above 0'));
  return refusals;
}

const tooFew = ({ region, count }: LaunchOrder, got: number, fit: number): Refusal => ({
  code: 'QUILT_SSH_SHORT',
  message: `${got} of ${count} machines: no more of the ${fit} hosts of ${region} that fit are free`,
  hint: 'ask for fewer, end other runs, or add hosts to the inventory',
  cause: 'capacity',
});

const notEnded = (host: Host, line: string): Refusal => ({
  code: 'QUILT_SSH_END',
  message: `${host.name}: still there: ${line.replace(/^left /, '')}`,
  hint: `look at ${host.folder} on the host; its kill timer ends it at the latest`,
  cause: 'vendor',
});

async function check(hosts: readonly Host[], region: string, call: Call): Promise<readonly CloudFinding[]> {
  if (hosts.length === 0)
    return [{ name: region, isOk: false, detail: 'the inventory has no such group', remedy: 'add it to the file in QUILT_SSH_HOSTS' }];
  return pooled(hosts, async (host) => {
    const { lines, refusal } = await call(host, lookProgram(host.folder));
    const { name } = host;
    if (lines.length > 0) return { name, isOk: false, detail: lines.join(', '), remedy: 'install it on the host' };
    if (refusal !== null) return { name, isOk: false, detail: refusal.message, remedy: refusal.hint ?? '' };
    return { name, isOk: true, detail: 'answers, and has what a machine needs' };
  });
}

export const cloudType: CloudType = {
  name: 'ssh',
  summary: 'hosts that exist already, over the ssh of this computer; QUILT_SSH_HOSTS names their file',
  selfEnd: 'process',
  userDataBytesMax: USER_DATA_BYTES_MAX,
  markets: ['on-demand'],
  boot: 'script',
  joinFlags: (machineType) => {
    const cores = CORES_TYPE.exec(machineType)?.[1];
    return cores === undefined ? [] : ['--cores', cores, '--workers', cores];
  },
  async create({ environment }) {
    const inventory = readInventory(environment('QUILT_SSH_HOSTS'));
    if (!inventory.ok) return inventory;
    const configPath = environment('QUILT_SSH_CONFIG');
    return ok(createSshCloud(inventory.value, (host, program) => callHost(host, program, configPath)));
  },
};
