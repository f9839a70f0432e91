// What one project of the made-up OpenStack has in its region, and how it changes as the hand-moved clock goes on: servers that are being built, and only then turn out to have no host;
// that go slowly, with their port last; groups that are held by ports; floating addresses that lose their port and stay; quotas. Strict where real Nova is:
// unknown keys of a body, user data of more than 65535 characters, metadata of more than 255. Names are unique nowhere.

export type Json = Readonly<Record<string, unknown>>;

/** An error in the wording of the service that gives it. */
export class StackError extends Error {
  readonly status: number;
  readonly body: Json | string;
  readonly retryAfter: string | null;
  constructor(status: number, body: Json | string, retryAfter: string | null = null) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

export const novaError = (status: number, word: string, message: string): StackError =>
  new StackError(status, { [word]: { code: status, message } });
export const neutronError = (status: number, type: string, message: string): StackError =>
  new StackError(status, { NeutronError: { type, message, detail: '' } });

export interface FakeServer {
  readonly id: string;
  readonly name: string;
  readonly body: Json;
  readonly metadata: Record<string, string>;
  readonly flavor: string;
  readonly groups: readonly string[];
  readonly zone: string;
  readonly madeMs: number;
  /** Why it cannot be placed; empty = it can. */
  readonly fault: string;
  readonly address: string;
  looks: number;
  isStopped: boolean;
  endedMs: number | null;
}
interface FakeGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly rules: Json[];
}
interface FakeCredential {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly expiresMs: number;
  readonly access_rules: ReadonlyArray<{ readonly id: string; readonly service: string; readonly method: string; readonly path: string }>;
}
interface FakeFloating {
  readonly id: string;
  readonly description: string;
  readonly address: string;
  portId: string | null;
}

const BUILD_MS = 5_000;
const GOING_MS = 4_000;
export const FLAVORS = [
  { id: '1', name: 'm1.tiny', vcpus: 1, ram: 512, disk: 1 },
  { id: '2', name: 'm1.small', vcpus: 1, ram: 2048, disk: 20 },
  { id: '3', name: 'gp.0.2.4', vcpus: 2, ram: 4096, disk: 0 },
  { id: 'general1-4', name: '4 GB General Purpose v1', vcpus: 4, ram: 4096, disk: 80 },
];
export const IMAGE_ID = '6a1f8b1e-2f7d-4f0c-9b52-0a1fd3f1c001';
export const IMAGES = [
  { id: '6a1f8b1e-2f7d-4f0c-9b52-0a1fd3f1c003', name: 'Windows Server 2022', created_at: '2026-03-01T00:00:00Z' },
  { id: IMAGE_ID, name: 'Debian 12 (Bookworm)', created_at: '2026-02-01T00:00:00Z' },
  { id: '6a1f8b1e-2f7d-4f0c-9b52-0a1fd3f1c002', name: 'Debian 12 (Bookworm)', created_at: '2025-02-01T00:00:00Z' },
].map((image) => ({ ...image, status: 'active', min_disk: 2, min_ram: 0 }));
export const ZONES = ['nova', 'az2'];
export const PROJECT_ID = '0123456789abcdef0123456789abcdef';
const NETWORK_ID = '7b1f8b1e-2f7d-4f0c-9b52-0a1fd3f1c001';
const EXTERNAL_ID = '7b1f8b1e-2f7d-4f0c-9b52-0a1fd3f1c002';

const NO_HOST = 'No valid host was found. There are not enough hosts available.';
const SERVER_KEYS = [
  ...['name', 'flavorRef', 'imageRef', 'metadata', 'user_data', 'config_drive', 'availability_zone', 'networks', 'security_groups'],
  'block_device_mapping_v2',
];

export class FakeProject {
  nowMs = Date.UTC(2026, 5, 1);
  readonly isClassic: boolean;
  readonly servers = new Map<string, FakeServer>();
  readonly groups = new Map<string, FakeGroup>();
  readonly floating = new Map<string, FakeFloating>();
  readonly credentials = new Map<string, FakeCredential>();
  /** Ids of rules outlive their credential. */
  readonly accessRules = new Set<string>();
  networks: Json[] = [
    { id: NETWORK_ID, name: 'inner', status: 'ACTIVE', subnets: ['s1'], project_id: PROJECT_ID, 'router:external': false },
    { id: EXTERNAL_ID, name: 'outside', status: 'ACTIVE', subnets: ['s2'], project_id: 'admin', 'router:external': true },
  ];
  /** Lists leave out a new server this often. */
  lateLooks = 0;
  /** Servers whose deletion fails. */
  readonly stuck = new Set<string>();
  readonly quota = { instances: 20, cores: 60, ram: 200_000, floatingip: 50 };
  /** By zone: how many more the hosts of each have room for. */
  readonly room = new Map<string, number>();
  /** Calls for servers that are on their way at this moment, the most of them since there were none, and how many of those have been made. */
  readonly burst = { now: 0, most: 0, made: 0 };
  #made = 0;

  constructor(isClassic: boolean) {
    this.isClassic = isClassic;
    const rules = [{ direction: 'egress', ethertype: 'IPv4' }];
    this.groups.set('default-group', { id: 'default-group', name: 'default', description: 'Default security group', rules });
  }

  newId(): string {
    this.#made += 1;
    return `00000000-0000-4000-8000-${String(this.#made).padStart(12, '0')}`;
  }

  /** Those that Nova still shows. */
  present(): FakeServer[] {
    for (const [id, { endedMs, fault }] of this.servers) {
      // What has no host is deleted by the API itself, at once.
      if (endedMs === null || this.stuck.has(id) || this.nowMs < endedMs + (fault === '' ? GOING_MS : 0)) continue;
      this.servers.delete(id);
      for (const address of this.floating.values()) if (address.portId === portOf(id)) address.portId = null;
    }
    return [...this.servers.values()];
  }

  stateOf({ id, fault, madeMs, isStopped, endedMs }: FakeServer): { status: string; task: string | null } {
    if (this.stuck.has(id) && endedMs !== null && this.nowMs >= endedMs + GOING_MS) return { status: 'ERROR', task: null };
    const isBuilt = this.nowMs >= madeMs + BUILD_MS;
    const status = !isBuilt ? 'BUILD' : fault !== '' ? 'ERROR' : isStopped ? 'SHUTOFF' : 'ACTIVE';
    return { status, task: endedMs !== null ? 'deleting' : isBuilt ? null : 'spawning' };
  }

  addServer(server: Json): FakeServer {
    const unknown = Object.keys(server).find((key) => !SERVER_KEYS.includes(key));
    if (unknown !== undefined) throw invalid(`Additional properties are not allowed ('${unknown}' was unexpected)`);
    const { name, flavorRef, imageRef, metadata, user_data, availability_zone, networks, security_groups, block_device_mapping_v2 } =
      server;
    if (typeof name !== 'string' || name.length === 0 || name.length > 255) throw invalid('Invalid input for field/attribute name.');
    const flavor = FLAVORS.find(({ id }) => id === flavorRef);
    if (flavor === undefined) throw invalid(`Flavor ${flavorRef} could not be found.`);
    this.checkDisk(flavor.disk, imageRef, block_device_mapping_v2);
    checkTexts(metadata as Json, String(user_data ?? ''));
    if (this.isClassic && (security_groups !== undefined || availability_zone !== undefined)) throw invalid('not known here');
    const zone = String(availability_zone ?? 'nova');
    if (!ZONES.includes(zone)) throw invalid('The requested availability zone is not available');
    this.checkNetworks(networks as readonly Json[] | undefined);
    const groups = ((security_groups ?? []) as readonly Json[]).map((group) => this.groupFor(String(group.name)));
    const used = this.usage();
    if (used.instances + 1 > this.quota.instances || used.cores + flavor.vcpus > this.quota.cores)
      throw novaError(403, 'forbidden', `Quota exceeded for cores, instances: Requested 1, but already used ${used.instances}`);
    // Nova's conductor counts again, and then fails all that came together.
    const isOver = used.instances - this.burst.made + this.burst.most > this.quota.instances;
    this.burst.made += 1;
    const room = this.room.get(zone) ?? Number.POSITIVE_INFINITY;
    this.room.set(zone, Math.max(0, room - 1));
    const made: FakeServer = {
      ...{ id: this.newId(), name, body: server, metadata: { ...(metadata as Record<string, string>) }, flavor: flavor.id, groups, zone },
      ...{ madeMs: this.nowMs, fault: isOver ? 'Quota exceeded for instances: Requested 1' : room > 0 ? '' : NO_HOST },
      ...{ address: this.isClassic ? `198.51.100.${this.#made}` : `10.77.0.${this.#made}`, looks: 0, isStopped: false, endedMs: null },
    };
    this.servers.set(made.id, made);
    return made;
  }

  /** Who may use a flavor without a disk of its own must bring a volume. */
  checkDisk(diskGb: number, imageRef: unknown, volumes: unknown): void {
    if (diskGb === 0 && volumes === undefined)
      throw novaError(403, 'forbidden', 'Only volume-backed servers are allowed for flavors with zero disk.');
    const image = volumes === undefined ? imageRef : (volumes as readonly Json[])[0]?.uuid;
    if (!IMAGES.some(({ id }) => id === image)) throw invalid(`Can not find requested image ${image}`);
  }

  checkNetworks(networks: readonly Json[] | undefined): void {
    if (this.isClassic) return;
    const asked = networks?.map(({ uuid }) => uuid);
    const known = this.networks.map(({ id }) => id);
    if (asked === undefined && this.networks.filter((each) => each['router:external'] !== true).length > 1)
      throw novaError(409, 'conflictingRequest', 'Multiple possible networks found, use a Network ID to be more specific.');
    const strange = asked?.find((id) => !known.includes(id));
    if (strange !== undefined) throw invalid(`Network ${strange} could not be found.`);
    if (asked?.includes(EXTERNAL_ID) === true)
      throw novaError(403, 'forbidden', `It is not allowed to create an interface on external network ${EXTERNAL_ID}`);
  }

  groupFor(word: string): string {
    const found = [...this.groups.values()].filter(({ id, name }) => id === word || name === word);
    if (found.length > 1)
      throw novaError(409, 'conflictingRequest', `Multiple security groups found matching '${word}'. Use an ID to be more specific.`);
    const [group] = found;
    if (group === undefined) throw invalid(`Unable to find security_group with name or id '${word}'`);
    return group.id;
  }

  usage() {
    const all = this.present();
    const flavors = all.map(({ flavor }) => FLAVORS.find(({ id }) => id === flavor));
    const sum = (key: 'vcpus' | 'ram'): number => flavors.reduce((total, flavor) => total + (flavor?.[key] ?? 0), 0);
    return { instances: all.length, cores: sum('vcpus'), ram: sum('ram') };
  }

  serverOf(id: string): FakeServer {
    const server = this.present().find((each) => each.id === id);
    if (server === undefined) throw novaError(404, 'itemNotFound', `Instance ${id} could not be found.`);
    return server;
  }

  endServer(id: string): void {
    const server = this.serverOf(id);
    server.endedMs ??= this.nowMs;
  }

  addGroup({ name, description = '' }: Json): FakeGroup {
    const group = { id: this.newId(), name: String(name), description: String(description), rules: [] as Json[] };
    group.rules.push({ direction: 'egress', ethertype: 'IPv4' }, { direction: 'egress', ethertype: 'IPv6' });
    this.groups.set(group.id, group);
    return group;
  }

  addRule(rule: Json): Json {
    const group = this.groups.get(String(rule.security_group_id));
    if (group === undefined) throw neutronError(404, 'SecurityGroupNotFound', `Security group ${rule.security_group_id} does not exist`);
    if (group.rules.some((each) => JSON.stringify(each) === JSON.stringify(rule)))
      throw neutronError(409, 'SecurityGroupRuleExists', 'Security group rule already exists.');
    group.rules.push(rule);
    return rule;
  }

  endGroup(id: string): void {
    if (!this.groups.has(id)) throw neutronError(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
    if (this.present().some(({ groups, fault }) => fault === '' && groups.includes(id)))
      throw neutronError(409, 'SecurityGroupInUse', `Security Group ${id} in use.`);
    this.groups.delete(id);
  }

  /** A server has its port when it is built. */
  portsOf(serverId: string): Json[] {
    const server = this.present().find(({ id }) => id === serverId);
    return server === undefined || this.stateOf(server).status !== 'ACTIVE' ? [] : [{ id: portOf(serverId), device_id: serverId }];
  }

  addFloating({ floating_network_id, port_id = null, description = '' }: Json): FakeFloating {
    if (floating_network_id !== EXTERNAL_ID)
      throw neutronError(404, 'NetworkNotFound', `Network ${floating_network_id} could not be found.`);
    if (this.floating.size >= this.quota.floatingip) throw neutronError(409, 'OverQuota', "Quota exceeded for resources: ['floatingip'].");
    const id = this.newId();
    const made = { id, description: String(description), address: `203.0.113.${this.#made}`, portId: null as string | null };
    this.floating.set(id, made);
    this.moveFloating(id, port_id === null ? null : String(port_id));
    return made;
  }

  moveFloating(id: string, portId: string | null): FakeFloating {
    const address = this.floating.get(id);
    if (address === undefined) throw neutronError(404, 'FloatingIPNotFound', `Floating IP ${id} could not be found`);
    if (portId !== null) {
      if (!this.present().some((server) => portOf(server.id) === portId))
        throw neutronError(404, 'PortNotFound', `Port ${portId} could not be found.`);
      if ([...this.floating.values()].some((each) => each.portId === portId && each.id !== id))
        throw neutronError(409, 'FloatingIPPortAlreadyAssociated', 'Cannot associate floating IP with port: it already has one.');
    }
    address.portId = portId;
    return address;
  }

  endFloating(id: string): void {
    if (!this.floating.delete(id)) throw neutronError(404, 'FloatingIPNotFound', `Floating IP ${id} could not be found`);
  }

  addCredential({ name, description, unrestricted, expires_at, access_rules }: Json): Json {
    const expiresMs = Date.parse(String(expires_at));
    if (!(expiresMs > this.nowMs) || unrestricted !== false)
      throw new StackError(400, { error: { code: 400, message: 'not so', title: 'Bad Request' } });
    if ([...this.credentials.values()].some((each) => each.name === name))
      throw new StackError(409, { error: { code: 409, message: 'Duplicate entry found with name', title: 'Conflict' } });
    const rules = (access_rules as FakeCredential['access_rules']).map((rule) => ({ ...rule, id: this.newId() }));
    for (const { id } of rules) this.accessRules.add(id);
    const made = { id: this.newId(), name: String(name), description: String(description), expiresMs, access_rules: rules };
    this.credentials.set(made.id, made);
    return { ...made, secret: `secret of ${made.id}`.replaceAll(' ', '-') };
  }

  endCredential(id: string): void {
    if (!this.credentials.delete(id))
      throw new StackError(404, { error: { code: 404, message: `Could not find ${id}`, title: 'Not Found' } });
  }

  endRule(id: string): void {
    const isHeld = [...this.credentials.values()].some(({ access_rules }) => access_rules.some((rule) => rule.id === id));
    if (isHeld) throw new StackError(403, { error: { code: 403, message: 'access rule in use', title: 'Forbidden' } });
    this.accessRules.delete(id);
  }

  /** What somebody would still pay for, or could still use. */
  leftovers(): string[] {
    const groups = [...this.groups.values()].filter(({ name }) => name !== 'default').map(({ name }) => name);
    return [
      ...this.present().map(({ id }) => id),
      ...groups,
      ...[...this.floating.values(), ...this.credentials.values()].map(({ id }) => id),
    ];
  }

  addStranger(): string {
    const groups = this.isClassic ? [] : ['default-group'];
    const id = this.newId();
    const server = { id, name: 'quilt-run1-order-0-0', body: {}, metadata: { owner: 'somebody' }, flavor: '1', groups, zone: 'nova' };
    this.servers.set(id, { ...server, madeMs: this.nowMs, fault: '', address: '10.77.0.250', looks: 0, isStopped: false, endedMs: null });
    return id;
  }
}

const portOf = (serverId: string): string => `port-${serverId}`;

const invalid = (message: string): StackError => novaError(400, 'badRequest', message);

function checkTexts(metadata: Json | undefined, userData: string): void {
  const long = Object.entries(metadata ?? {}).find(([key, value]) => typeof value !== 'string' || value.length > 255 || key.length > 255);
  if (long !== undefined) throw invalid(`Invalid input for field/attribute ${long[0]}.`);
  if (userData.length > 65_535) throw invalid('Invalid input for field/attribute user_data. It is too long');
  if (Buffer.from(userData, 'base64').toString('base64') !== userData) throw invalid("'user_data' is not a 'base64'");
}
