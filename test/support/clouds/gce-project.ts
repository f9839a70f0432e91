// What a project at Google holds, for the fake of its API (gce.ts): machines, addresses, firewall rules and the operations that change them, on a clock that the test moves. Stricter
// than it need be: names, labels, request ids, sizes and scheduling are refused as the documentation of the v1 API says. Machines end after maxRunDuration; quotas and zones
// without capacity fail the operation and not the call, as with Google. Nothing here knows HTTP, and nothing is taken from the client under test.

export type Json = Record<string, unknown>;

export class GoogleError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface FakeOperation extends Json {
  name: string;
  status: string;
  error?: Json;
}

interface Pending {
  readonly operation: FakeOperation;
  readonly doneAtMs: number;
  /** Takes effect; the answer is the operation's error. */
  readonly finish: () => Json | null;
}

export interface FakeMachine {
  readonly body: Json & { name: string };
  readonly zone: string;
  readonly type: string;
  readonly isSpot: boolean;
  status: string;
  /** When Google deletes it; null once somebody stopped it. */
  endsAtMs: number | null;
  /** Looks at lists that do not show it yet. */
  hiddenLooks: number;
}

export const ZONES: Readonly<Record<string, readonly string[]>> = {
  'us-central1': ['us-central1-a', 'us-central1-b', 'us-central1-c'],
  'europe-west1': ['europe-west1-b', 'europe-west1-c'],
};
const CORES: Readonly<Record<string, number>> = { 'e2-standard-2': 2, 'e2-standard-4': 4, 'n2-standard-2': 2 };
export const NETWORK = 'global/networks/default';
export const IMAGES = ['projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64', 'projects/lab-123456/global/images/own'];
const OPERATION_MS = 3_000;
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL = /^[a-z0-9_-]{0,63}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const invalid = (message: string): GoogleError => new GoogleError(400, 'invalid', message);
const taken = (name: string): GoogleError => new GoogleError(409, 'alreadyExists', `The resource '${name}' already exists`);
export const absent = (what: string): GoogleError => new GoogleError(404, 'notFound', `The resource '${what}' was not found`);

export class GoogleProject {
  nowMs = 1_800_000_000_000;
  readonly machines = new Map<string, FakeMachine>();
  readonly addresses = new Map<string, Json & { name: string; address: string; region: string }>();
  readonly firewalls = new Map<string, Json & { name: string }>();
  readonly operations = new Map<string, FakeOperation>();
  /** `zone type market`; a missing part stands for all. */
  readonly exhausted = new Set<string>();
  readonly quotas: Record<string, number> = { CPUS: 200, PREEMPTIBLE_CPUS: 0, INSTANCES: 100, STATIC_ADDRESSES: 8, IN_USE_ADDRESSES: 100 };
  lagLooks = 0;
  operationMs = OPERATION_MS;
  /** Machines that were on their way together. */
  startingMax = 0;
  /** For the compliance of request ids: what they stood for. */
  readonly #requests = new Map<string, { what: string; operation: FakeOperation }>();
  #pending: Pending[] = [];
  #made = 0;

  /** Time passes, and what was due happens. */
  advance(ms: number): void {
    this.nowMs += ms;
    const due = this.#pending.filter(({ doneAtMs }) => doneAtMs <= this.nowMs);
    this.#pending = this.#pending.filter((each) => !due.includes(each));
    for (const { operation, finish } of due) {
      const error = finish();
      operation.status = 'DONE';
      operation.progress = 100;
      if (error !== null) Object.assign(operation, { error: { errors: [error] }, httpErrorStatusCode: 503 });
    }
    for (const [key, { endsAtMs }] of this.machines) if (endsAtMs !== null && endsAtMs <= this.nowMs) this.#drop(key);
  }

  #drop(key: string): void {
    this.machines.delete(key);
    for (const address of this.addresses.values())
      if (address.user === key) Object.assign(address, { user: undefined, status: 'RESERVED' });
  }

  /** The same request id is the same operation; for something else it is a fault of the client. */
  #repeatable(requestId: string | null, what: string, make: () => FakeOperation): FakeOperation {
    if (requestId === null || !UUID.test(requestId)) throw invalid(`requestId '${requestId}' is no UUID`);
    const before = this.#requests.get(requestId);
    if (before !== undefined && before.what !== what) throw invalid(`requestId '${requestId}' was another request`);
    if (before !== undefined) return before.operation;
    const operation = make();
    this.#requests.set(requestId, { what, operation });
    return operation;
  }

  #operate(operationType: string, place: Json, finish: () => Json | null): FakeOperation {
    this.#made += 1;
    const name = `operation-${this.#made}`;
    const operation = {
      kind: 'compute#operation',
      id: String(1000 + this.#made),
      name,
      operationType,
      status: 'RUNNING',
      progress: 0,
      ...place,
    };
    this.operations.set(name, operation);
    this.#pending.push({ operation, doneAtMs: this.nowMs + this.operationMs, finish });
    return operation;
  }

  coresOf(zone: string, type: string): number {
    const cores = CORES[type];
    const isThere = Object.values(ZONES).flat().includes(zone) && !(type === 'n2-standard-2' && zone === 'us-central1-c');
    if (cores === undefined || !isThere) throw absent(`zones/${zone}/machineTypes/${type}`);
    return cores;
  }

  usage(region: string): Record<string, number> {
    const here = [...this.machines.values()].filter(({ zone }) => ZONES[region]?.includes(zone));
    const cores = (isSpot: boolean): number =>
      here
        .filter((each) => (each.isSpot && (this.quotas.PREEMPTIBLE_CPUS ?? 0) > 0) === isSpot)
        .reduce((sum, { zone, type }) => sum + this.coresOf(zone, type), 0);
    const addresses = [...this.addresses.values()].filter((each) => each.region === region);
    return {
      CPUS: cores(false),
      PREEMPTIBLE_CPUS: cores(true),
      INSTANCES: here.length,
      STATIC_ADDRESSES: addresses.length,
      IN_USE_ADDRESSES: here.length,
    };
  }

  insertMachine(zone: string, body: Json, requestId: string | null): FakeOperation {
    return this.#repeatable(requestId, JSON.stringify([zone, body]), () => {
      const machine = this.#machineFrom(zone, body);
      const key = `${zone}/${machine.body.name}`;
      if (this.machines.has(key)) throw taken(key);
      const [networkInterface] = body.networkInterfaces as Json[];
      const [access] = (networkInterface?.accessConfigs ?? []) as Json[];
      const address = access?.natIP === undefined ? undefined : [...this.addresses.values()].find((each) => each.address === access.natIP);
      if (access?.natIP !== undefined && (address === undefined || address.status !== 'RESERVED'))
        throw invalid(`natIP ${access.natIP} is not reserved`);
      this.machines.set(key, machine);
      this.startingMax = Math.max(this.startingMax, [...this.machines.values()].filter(({ status }) => status === 'PROVISIONING').length);
      if (address !== undefined) Object.assign(address, { status: 'IN_USE', user: key });
      return this.#operate('insert', { zone: `projects/lab-123456/zones/${zone}` }, () => this.#start(key, machine));
    });
  }

  #start(key: string, machine: FakeMachine): Json | null {
    const { zone, type, isSpot } = machine;
    const market = isSpot ? 'spot' : 'on-demand';
    const region = zone.replace(/-[a-z]$/, '');
    const metric = isSpot && (this.quotas.PREEMPTIBLE_CPUS ?? 0) > 0 ? 'PREEMPTIBLE_CPUS' : 'CPUS';
    if ([`${zone} ${type} ${market}`, `${zone} ${type}`, zone, market].some((each) => this.exhausted.has(each))) {
      this.#drop(key);
      return {
        code: 'ZONE_RESOURCE_POOL_EXHAUSTED',
        message: `The zone '${zone}' does not have enough resources available to fulfill the request.`,
      };
    }
    if ((this.usage(region)[metric] ?? 0) > (this.quotas[metric] ?? 0)) {
      this.#drop(key);
      return { code: 'QUOTA_EXCEEDED', message: `Quota '${metric}' exceeded. Limit: ${this.quotas[metric]} in region ${region}.` };
    }
    machine.status = 'RUNNING';
    return null;
  }

  #machineFrom(zone: string, body: Json): FakeMachine {
    const { name, machineType, labels, tags, disks, networkInterfaces, metadata, scheduling } = body as Record<string, Json & Json[]>;
    if (typeof name !== 'string' || !NAME.test(name)) throw invalid(`name '${name}'`);
    const type = /^zones\/([^/]+)\/machineTypes\/([^/]+)$/.exec(String(machineType));
    if (type?.[1] !== zone) throw invalid(`machineType '${machineType}' for zone ${zone}`);
    this.coresOf(zone, type[2] as string);
    for (const [key, value] of Object.entries(labels ?? {}))
      if (!LABEL.test(key) || !LABEL.test(String(value))) throw invalid(`label ${key}=${value}`);
    for (const tag of (tags?.items ?? []) as string[]) if (!NAME.test(tag)) throw invalid(`tag '${tag}'`);
    const image = ((disks?.[0]?.initializeParams ?? {}) as Json).sourceImage;
    if (disks?.[0]?.boot !== true || disks[0].autoDelete !== true || !IMAGES.includes(String(image)))
      throw invalid(`boot disk from '${image}'`);
    if (networkInterfaces?.[0]?.network !== NETWORK) throw invalid('networkInterfaces');
    for (const { value } of (metadata?.items ?? []) as Json[])
      if (String(value).length > 262_144) throw invalid('metadata value over 256 KiB');
    return {
      body: { ...body, name },
      zone,
      type: type[2] as string,
      status: 'PROVISIONING',
      hiddenLooks: this.lagLooks,
      ...this.#scheduled(scheduling ?? {}),
    };
  }

  #scheduled({ provisioningModel, onHostMaintenance, automaticRestart, instanceTerminationAction, maxRunDuration }: Json): {
    isSpot: boolean;
    endsAtMs: number;
  } {
    const isSpot = provisioningModel === 'SPOT';
    if (isSpot && (onHostMaintenance !== 'TERMINATE' || automaticRestart !== false)) throw invalid('scheduling of a spot machine');
    const seconds = Number((maxRunDuration as Json | undefined)?.seconds);
    if (!(seconds >= 30 && seconds <= 120 * 86_400)) throw invalid(`maxRunDuration of ${seconds} s`);
    if (instanceTerminationAction !== 'DELETE') throw invalid('maxRunDuration without an action');
    return { isSpot, endsAtMs: this.nowMs + seconds * 1000 };
  }

  deleteMachine(key: string): FakeOperation {
    const machine = this.machines.get(key);
    if (machine === undefined) throw absent(key);
    machine.status = 'STOPPING';
    return this.#operate('delete', { zone: `projects/lab-123456/zones/${machine.zone}` }, () => {
      this.#drop(key);
      return null;
    });
  }

  insertAddress(region: string, body: Json, requestId: string | null): FakeOperation {
    return this.#repeatable(requestId, JSON.stringify([region, body]), () => {
      const { name } = body;
      if (typeof name !== 'string' || !NAME.test(name) || body.labels !== undefined) throw invalid(`address '${name}'`);
      if (this.addresses.has(`${region}/${name}`)) throw taken(name);
      const limit = this.quotas.STATIC_ADDRESSES ?? 0;
      if ((this.usage(region).STATIC_ADDRESSES ?? 0) >= limit)
        throw new GoogleError(403, 'quotaExceeded', `Quota 'STATIC_ADDRESSES' exceeded. Limit: ${limit}`);
      const address = `203.0.113.${this.addresses.size + 1}`;
      this.addresses.set(`${region}/${name}`, { ...body, name, region, address, status: 'RESERVED' });
      return this.#operate('insert', { region: `projects/lab-123456/regions/${region}` }, () => null);
    });
  }

  deleteAddress(region: string, name: string): FakeOperation {
    const address = this.addresses.get(`${region}/${name}`);
    if (address === undefined) throw absent(name);
    if (address.status === 'IN_USE')
      throw new GoogleError(400, 'resourceInUseByAnotherResource', `The address '${name}' is in use by '${address.user}'`);
    return this.#operate('delete', { region: `projects/lab-123456/regions/${region}` }, () => {
      this.addresses.delete(`${region}/${name}`);
      return null;
    });
  }

  insertFirewall(body: Json): FakeOperation {
    const { name, network, sourceRanges, targetTags } = body;
    if (typeof name !== 'string' || !NAME.test(name) || network !== NETWORK) throw invalid(`firewall '${name}'`);
    if (!Array.isArray(sourceRanges) || !Array.isArray(targetTags)) throw invalid('a rule for every machine of the project');
    if (this.firewalls.has(name)) throw taken(name);
    this.firewalls.set(name, { ...body, name });
    return this.#operate('insert', {}, () => null);
  }

  deleteFirewall(name: string): FakeOperation {
    if (!this.firewalls.has(name)) throw absent(name);
    return this.#operate('delete', {}, () => {
      this.firewalls.delete(name);
      return null;
    });
  }
}
