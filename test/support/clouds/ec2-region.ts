// What one region of the made-up EC2 holds, and how it changes as the hand-moved clock goes on: machines that are pending, seen late, and slow to go; groups that are held
// by their machines; addresses; tokens with the request that they stood for. Strict where emulators are lax: see ec2.ts. It decides nothing about
// the wire; an action is a function from input to output or an Ec2Error.

import { Ec2Error, type Input, parts, text } from './ec2-wire.ts';

export type Tags = ReadonlyMap<string, string>;

export interface FakeInstance {
  readonly id: string;
  readonly type: string;
  readonly zone: string;
  readonly isSpot: boolean;
  readonly tags: Tags;
  readonly groups: readonly string[];
  readonly madeMs: number;
  readonly hasPublicAddress: boolean;
  readonly number: number;
  readonly reason: string;
  readonly request: Input;
  endedMs: number | null;
}
export interface FakeGroup {
  readonly id: string;
  readonly name: string;
  readonly tags: Tags;
  readonly madeMs: number;
  readonly permissions: string[];
}
export interface FakeAddress {
  readonly id: string;
  readonly ip: string;
  readonly tags: Tags;
  association: { readonly id: string; readonly instanceId: string } | null;
}

/** A machine runs this long after it was asked for, */
const BOOT_MS = 12_000;
/** is not shown before this, */
const SEEN_MS = 3_000;
/** and is gone this long after it was ended. */
const GOING_MS = 30_000;
const GROUP_SEEN_MS = 1_500;
const ZONES = ['a', 'b', 'c'];

export const MACHINE_TYPES: Readonly<Record<string, { cores: number; architecture: string; zones: readonly string[] }>> = {
  't3.micro': { cores: 2, architecture: 'x86_64', zones: ['a', 'b', 'c'] },
  'c7i.large': { cores: 2, architecture: 'x86_64', zones: ['a', 'b', 'c'] },
  'c7i.xlarge': { cores: 4, architecture: 'x86_64', zones: ['a', 'b'] },
  'c7g.large': { cores: 2, architecture: 'arm64', zones: ['a', 'b', 'c'] },
};

export interface Limits {
  /** Virtual processors of each market. */
  cores: number;
  spotCores: number;
  addresses: number;
  /** The most that a page has, whatever is asked for. */
  page: number;
}

export type StateName = 'pending' | 'running' | 'shutting-down' | 'terminated';

export class Region {
  readonly name: string;
  readonly clock: () => number;
  readonly instances = new Map<string, FakeInstance>();
  readonly groups = new Map<string, FakeGroup>();
  readonly addresses = new Map<string, FakeAddress>();
  readonly tokens = new Map<string, { readonly request: string; readonly ids: readonly string[] }>();
  readonly limits: Limits = { cores: 2000, spotCores: 2000, addresses: 5, page: 1000 };
  /** Machines that a place still gives; what is not in it has no end. Key: market/type/zone. */
  readonly capacity = new Map<string, number>();
  /** Machines launched while this is set end before they are seen, with this reason. */
  stillborn = '';
  hasDefaultVpc = true;
  #made = 0;

  constructor(name: string, clock: () => number) {
    this.name = name;
    this.clock = clock;
  }

  get zones(): readonly string[] {
    return ZONES.map((letter) => this.name + letter);
  }

  number(): number {
    this.#made += 1;
    return this.#made;
  }
  id(prefix: string): string {
    return `${prefix}-0${this.number().toString(16).padStart(16, '0')}`;
  }

  stateOf({ madeMs, endedMs }: FakeInstance): StateName {
    const now = this.clock();
    if (endedMs !== null && now >= endedMs) return now - endedMs >= GOING_MS ? 'terminated' : 'shutting-down';
    return now - madeMs >= BOOT_MS ? 'running' : 'pending';
  }
  isSeen({ madeMs }: FakeInstance): boolean {
    return this.clock() - madeMs >= SEEN_MS;
  }
  isGroupSeen({ madeMs }: FakeGroup): boolean {
    return this.clock() - madeMs >= GROUP_SEEN_MS;
  }
  /** Not on their way out, and not to be. */
  alive(): FakeInstance[] {
    return [...this.instances.values()].filter(({ endedMs }) => endedMs === null);
  }

  end(instance: FakeInstance): void {
    instance.endedMs ??= this.clock();
    for (const address of this.addresses.values()) if (address.association?.instanceId === instance.id) address.association = null;
  }

  /** An instance that an action may name: seen, and its id well-formed. */
  known(id: string): FakeInstance {
    if (!/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw new Ec2Error('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
    const instance = this.instances.get(id);
    if (instance === undefined || !this.isSeen(instance))
      throw new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
    return instance;
  }
  group(id: string): FakeGroup {
    if (!/^sg-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw new Ec2Error('InvalidGroupId.Malformed', `Invalid id: "${id}"`);
    const group = this.groups.get(id);
    if (group === undefined || !this.isGroupSeen(group))
      throw new Ec2Error('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
    return group;
  }
  address(id: string): FakeAddress {
    const address = this.addresses.get(id);
    if (address === undefined) throw new Ec2Error('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`);
    return address;
  }

  /** A machine that somebody else launched. */
  addStranger(): string {
    const id = this.id('i');
    const tags = new Map([['Name', 'not ours']]);
    const plain = { type: 't3.micro', zone: `${this.name}a`, isSpot: false, groups: [], hasPublicAddress: false, reason: '', request: {} };
    this.instances.set(id, { ...plain, id, tags, madeMs: this.clock() - BOOT_MS, number: this.number(), endedMs: null });
    return id;
  }

  /** What an account pays for: machines that have not gone, addresses, and groups besides. */
  leftovers(): readonly string[] {
    return [...this.alive().map(({ id }) => id), ...this.groups.keys(), ...this.addresses.keys()];
  }
}

/** Tags for one kind of thing; a kind that is not made by this action is refused, as EC2 does. */
export function tagsFor(input: Input, kind: string, allowed: readonly string[]): Tags {
  for (const specification of parts(input, 'TagSpecification')) {
    const type = text(specification, 'ResourceType');
    if (!allowed.includes(type))
      throw new Ec2Error('InvalidParameterValue', `'${type}' is not a valid taggable resource type for this operation.`);
    const tags = parts(specification, 'Tag').map((tag) => [text(tag, 'Key'), text(tag, 'Value')] as const);
    for (const [key, value] of tags) {
      if (key === '' || key.length > 128 || key.startsWith('aws:')) throw new Ec2Error('InvalidParameterValue', `tag key '${key}'`);
      if (value.length > 256) throw new Ec2Error('InvalidParameterValue', `the value of tag '${key}' is too long`);
    }
    if (new Set(tags.map(([key]) => key)).size < tags.length) throw new Ec2Error('InvalidParameterValue', 'Duplicate tag key');
    if (type === kind) return new Map(tags);
  }
  return new Map();
}

/** Only the filters that are used here; another one is refused, so that a misspelt name cannot match everything. */
export function hasFilters(input: Input, tags: Tags): boolean {
  return parts(input, 'Filter').every((filter) => {
    const name = text(filter, 'Name');
    const values = (filter.Value ?? []) as readonly string[];
    if (name === 'tag-key') return values.some((value) => tags.has(value));
    if (name.startsWith('tag:')) return values.includes(tags.get(name.slice(4)) ?? '\0');
    throw new Ec2Error('InvalidParameterValue', `The filter '${name}' is invalid`);
  });
}

/** One page, and the token of the next; a token is good for the same question only as far as its number goes. */
export function pageOf<Item>(input: Input, all: readonly Item[], pageMax: number): { items: readonly Item[]; nextToken?: string } {
  const asked = text(input, 'MaxResults') === '' ? pageMax : Number(text(input, 'MaxResults'));
  if (!Number.isInteger(asked) || asked < 5 || asked > 1000)
    throw new Ec2Error(
      'InvalidParameterValue',
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    );
  const token = text(input, 'NextToken');
  const from = token === '' ? 0 : Number(/^page-(\d+)$/.exec(token)?.[1] ?? Number.NaN);
  if (Number.isNaN(from)) throw new Ec2Error('InvalidNextToken', `The token '${token}' is invalid`);
  const to = from + Math.min(asked, pageMax);
  return { items: all.slice(from, to), ...(to < all.length ? { nextToken: `page-${to}` } : {}) };
}

export const wireTags = (tags: Tags) => [...tags].map(([key, value]) => ({ key, value }));
