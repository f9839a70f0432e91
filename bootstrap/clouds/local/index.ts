// Machines that are process groups on this computer: the stand-in for a vendor, to try a launch for nothing and to test everything around one. A machine runs the
// same boot script as a rented one, with its own `poweroff` (machine.ts), so it ends in the same ways: with its node, at its kill timer, or when
// it is told. Regions are free words, which become labels; a machine type c1, c2, ... is that many cores. What is known of machines lies in a
// folder, one file each, so that another process finds them.

import { fail, ok } from '../../../node/core/errors.ts';
import type { Cloud, CloudComponents, CloudType, Instance, LaunchOrder, Refusal } from '../../cloud.ts';
import { endMachine, type Machine, readMachines, startMachine } from './machine.ts';

const STATE_FOLDER = '.quilt/machines';
const MACHINE_TYPE = /^c([1-9]\d?)$/;
/** What one computer takes before it is the thing under test. */
const MACHINES_MAX = 200;
/** Told politely, a node hands over and leaves; then the power goes. */
const END_MS_MAX = 10_000;
const LOOK_MS = 100;
const USER_DATA_BYTES_MAX = 1024 * 1024;

const coresOf = (machineType: string): number => Number(MACHINE_TYPE.exec(machineType)?.[1] ?? 0);

function createLocalCloud({ environment, sleep }: CloudComponents): Cloud {
  const folder = environment('QUILT_LOCAL_MACHINES') ?? STATE_FOLDER;
  return {
    async validate(order) {
      return wrongIn(order);
    },
    plan: ({ count }) => ({ batches: [count], notes: [`${count} process groups on this computer, listed in ${folder}`] }),
    async launch(order, signal) {
      const known = readMachines(folder).filter(({ runId, orderId }) => runId === order.runId && orderId === order.orderId);
      const instances: Instance[] = [];
      for (let index = 0; index < order.count && !signal.aborted; index++) {
        const id = `${order.runId}-${order.orderId}-${index}`;
        const machine = known.find((each) => each.id === id) ?? startMachine(folder, id, order);
        if (!machine.isAlive()) return { instances, refusals: [notStarted(machine)] };
        instances.push(instanceOf(machine));
        // Lets a signal in between two machines.
        await sleep(0);
      }
      return { instances, refusals: [] };
    },
    async list({ region, runId }) {
      try {
        const machines = readMachines(folder).filter((machine) => machine.region === region && (runId ?? machine.runId) === machine.runId);
        return ok(machines.map(instanceOf));
      } catch (error) {
        return fail({ code: 'QUILT_LOCAL_STATE', message: `cannot read ${folder}: ${(error as Error).message}` });
      }
    },
    async terminate({ region, runId }, ids) {
      const machines = readMachines(folder).filter((each) => each.region === region && each.runId === runId && ids.includes(each.id));
      const alive = (): Machine[] => machines.filter((machine) => machine.isAlive());
      for (const machine of alive()) endMachine(machine, 'SIGTERM');
      for (let waitedMs = 0; waitedMs < END_MS_MAX && alive().length > 0; waitedMs += LOOK_MS) await sleep(LOOK_MS);
      for (const machine of alive()) endMachine(machine, 'SIGKILL');
      for (let waitedMs = 0; waitedMs < END_MS_MAX && alive().length > 0; waitedMs += LOOK_MS) await sleep(LOOK_MS);
      return { ended: machines.filter((machine) => !machine.isAlive()).map(({ id }) => id), refusals: alive().map(notEnded) };
    },
    async check() {
      try {
        return [{ name: 'state', isOk: true, detail: `${readMachines(folder).length} machines known in ${folder}` }];
      } catch (error) {
        return [
          { name: 'state', isOk: false, detail: (error as Error).message, remedy: `make ${folder} readable, or set QUILT_LOCAL_MACHINES` },
        ];
      }
    },
  };
}

function wrongIn({ machineTypes, markets, address, count, zones, userData }: LaunchOrder): Refusal[] {
  const wrong = (message: string, hint: string): Refusal => ({ code: 'QUILT_LOCAL_ORDER', message, hint, cause: 'invalid' });
  const refusals: Refusal[] = [];
  const strange = machineTypes.find((type) => coresOf(type) === 0);
  if (strange !== undefined) refusals.push(wrong(`local has no machine type '${strange}'`, 'c1 is one core, c4 are four'));
  if (!markets.includes('on-demand')) refusals.push(wrong('local has no spot market', 'leave @spot away, or write @spot+'));
  if (address === 'reserved') refusals.push(wrong('local reserves no addresses', 'leave --reserve-addresses away'));
  if (zones.length > 0) refusals.push(wrong('local has no zones', 'write the region alone'));
  if (count < 1 || count > MACHINES_MAX) refusals.push(wrong(`${count} machines on one computer`, `1 to ${MACHINES_MAX} are possible`));
  if (Buffer.byteLength(userData) > USER_DATA_BYTES_MAX)
    refusals.push(wrong('the boot script is too long', `at most ${USER_DATA_BYTES_MAX} bytes`));
  return refusals;
}

const instanceOf = (machine: Machine): Instance => {
  const { id, runId, orderId, expiresWallMs, region, machineType } = machine;
  const state = machine.isAlive() ? 'running' : 'gone';
  const address = '127.0.0.1';
  return {
    ...{ id, runId, orderId, expiresWallMs, region, zone: null, machineType, market: 'on-demand', state },
    ...{ publicAddress: address, privateAddress: address },
  };
};

const notStarted = ({ id, folder }: Machine): Refusal => ({
  code: 'QUILT_LOCAL_START',
  message: `machine ${id} ended as soon as it started`,
  hint: `read ${folder}/output.log`,
  cause: 'vendor',
});
const notEnded = ({ id, pid }: Machine): Refusal => ({
  code: 'QUILT_LOCAL_END',
  message: `machine ${id} is still there: process group ${pid}`,
  hint: `kill -9 -- -${pid}`,
  cause: 'vendor',
});

export const cloudType: CloudType = {
  name: 'local',
  summary: 'process groups on this computer, to try a launch for nothing',
  selfEnd: 'process',
  userDataBytesMax: USER_DATA_BYTES_MAX,
  markets: ['on-demand'],
  boot: 'script',
  joinFlags: (machineType) => {
    const cores = String(coresOf(machineType));
    return ['--cores', cores, '--workers', cores, '--listen', '/ip4/127.0.0.1/tcp/0'];
  },
  create: async (components) => ok(createLocalCloud(components)),
};
