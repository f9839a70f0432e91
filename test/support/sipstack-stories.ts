// The transaction machines' stories, by transcript file and title. What they are expected to say stands in test/golden/sip, written and changed by hand.

import { clientMachine, serverMachine } from './sipstack-machines.ts';

export type Story = () => readonly string[] | Promise<readonly string[]>;
export type Stories = Readonly<Record<string, Story>>;

type Client = ReturnType<typeof clientMachine>;
type Server = ReturnType<typeof serverMachine>;

const client =
  (method: string, tell: (machine: Client) => void, over = {}): Story =>
  () => {
    const machine = clientMachine(method, over);
    tell(machine);
    return [...machine.lines, `in the end ${machine.size()} kept`];
  };

const server =
  (method: string, tell: (machine: Server) => void, over = {}): Story =>
  () => {
    const machine = serverMachine(method, over);
    tell(machine);
    return [...machine.lines, `in the end ${machine.size()} kept`];
  };

const tcp = { isReliable: true };

/** Moves on to each time and lets the status come in. */
const replies =
  (...steps: readonly (readonly [atMs: number, status: number])[]) =>
  (machine: Client): void => {
    for (const [atMs, status] of steps) {
      machine.to(atMs);
      machine.receive(status);
    }
    machine.to(40_000);
  };

export const clientInvite: Stories = {
  'nobody answers: timer A doubles, timer B ends it (17.1.1.2)': client('INVITE', (machine) => machine.to(40_000)),
  'nobody answers over TCP: timer B alone': client('INVITE', (machine) => machine.to(40_000), tcp),
  'the first answer comes after two repetitions: timers A and B stop, however long it rings': client(
    'INVITE',
    replies([1700, 100], [2000, 180], [36_000, 200]),
  ),
  'a refusal is acknowledged each time it comes, until timer D (17.1.1.2)': client('INVITE', replies([100, 486], [600, 486], [1600, 486])),
  'a refusal over TCP: acknowledged, nothing is kept (timer D is zero)': client('INVITE', replies([100, 486], [200, 486]), tcp),
  'a 2xx that comes again goes to the user each time, until timer M (RFC 6026, 7.2)': client(
    'INVITE',
    replies([100, 200], [600, 200], [1600, 200], [33_000, 200]),
  ),
  'a 180 that its 200 overtook is counted and told nobody': client('INVITE', replies([100, 200], [110, 180])),
  'a 180 that its refusal overtook': client('INVITE', replies([100, 404], [110, 180])),
  'a refusal behind a 200 changes nothing': client('INVITE', replies([100, 200], [110, 486])),
  'doubled provisional responses are all told: each may be of another branch': client(
    'INVITE',
    replies([100, 180], [101, 180], [200, 200]),
  ),
  'the connection breaks while it rings': client(
    'INVITE',
    (machine) => {
      machine.to(50);
      machine.receive(180);
      machine.to(100);
      machine.breakPath();
      machine.to(40_000);
    },
    tcp,
  ),
  'it cannot be sent at all: told, but not within the call that sends it': client('INVITE', (machine) => machine.to(40_000), {
    isSendable: false,
  }),
  'given up after a CANCEL that nobody heard (9.1): what comes later belongs to nobody': client('INVITE', (machine) => {
    machine.to(100);
    machine.receive(180);
    machine.abandon();
    machine.receive(487);
  }),
};

export const clientOther: Stories = {
  'nobody answers: timer E doubles up to T2, timer F ends it (17.1.2.2)': client('OPTIONS', (machine) => machine.to(40_000)),
  'nobody answers over TCP: timer F alone': client('OPTIONS', (machine) => machine.to(40_000), tcp),
  'a provisional response: repetitions go on at T2, timer F still runs': client('OPTIONS', replies([100, 100])),
  'the answer comes after one repetition, and again: absorbed until timer K': client(
    'OPTIONS',
    replies([700, 200], [750, 200], [6000, 200]),
  ),
  'a refusal ends it as a success does': client('OPTIONS', replies([100, 404])),
  'an answer over TCP: nothing is kept (timer K is zero)': client('OPTIONS', replies([100, 200], [101, 200]), tcp),
  'a provisional response behind the final one': client('OPTIONS', replies([100, 200], [110, 100])),
  'the connection breaks': client(
    'OPTIONS',
    (machine) => {
      machine.to(50);
      machine.breakPath();
      machine.to(40_000);
    },
    tcp,
  ),
};

export const serverInvite: Stories = {
  'the user is slow: 100 after 200 ms (17.2.1), and again for each repetition': server('INVITE', (machine) => {
    machine.to(300);
    machine.receive('INVITE');
    machine.to(1500);
    machine.respond(180);
    machine.receive('INVITE');
    machine.to(5000);
  }),
  'a repetition before anything was answered is absorbed': server('INVITE', (machine) => {
    machine.to(100);
    machine.receive('INVITE');
    machine.respond(180);
    machine.to(1000);
  }),
  'a refusal whose ACK comes: repeated by timer G until then, absorbs further ACKs until timer I': server('INVITE', (machine) => {
    machine.respond(486);
    machine.to(700);
    machine.receive('INVITE');
    machine.to(1600);
    machine.receive('ACK');
    machine.to(1700);
    machine.receive('ACK');
    machine.receive('INVITE');
    machine.to(10_000);
  }),
  'a refusal whose ACK never comes: timer G doubles up to T2, timer H ends it': server('INVITE', (machine) => {
    machine.respond(486);
    machine.to(40_000);
  }),
  'a refusal over TCP: no timer G, timer H still waits for the ACK': server(
    'INVITE',
    (machine) => {
      machine.respond(486);
      machine.to(40_000);
    },
    tcp,
  ),
  'a refusal over TCP and its ACK: nothing is kept (timer I is zero)': server(
    'INVITE',
    (machine) => {
      machine.respond(486);
      machine.to(20);
      machine.receive('ACK');
      machine.to(1000);
    },
    tcp,
  ),
  'a 2xx: the user repeats it, repeated INVITEs are absorbed until timer L (RFC 6026, 7.1)': server('INVITE', (machine) => {
    machine.respond(200);
    machine.to(500);
    machine.repeat();
    machine.to(700);
    machine.receive('INVITE');
    machine.to(40_000);
  }),
  'after its final response nothing more goes out': server('INVITE', (machine) => {
    machine.respond(200);
    machine.respond(180);
    machine.respond(486);
    machine.to(1000);
  }),
};

export const serverOther: Stories = {
  'a repetition before the answer is absorbed, one after it is answered until timer J': server('OPTIONS', (machine) => {
    machine.to(100);
    machine.receive('OPTIONS');
    machine.respond(200);
    machine.to(600);
    machine.receive('OPTIONS');
    machine.to(32_095);
    machine.receive('OPTIONS');
    machine.to(32_105);
    machine.receive('OPTIONS');
  }),
  'a provisional response is what repetitions get meanwhile': server('OPTIONS', (machine) => {
    machine.respond(100);
    machine.to(500);
    machine.receive('OPTIONS');
    machine.respond(404);
    machine.to(40_000);
  }),
  'an answer over TCP: nothing is kept (timer J is zero)': server(
    'OPTIONS',
    (machine) => {
      machine.respond(200);
      machine.to(100);
      machine.receive('OPTIONS');
    },
    tcp,
  ),
};
