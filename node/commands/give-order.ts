// How `stop` and `scale` reach a run: find a node, learn the run's id from it, sign with the operator's key, hand the order over. The key lies beside
// the run that was started here; for a run elsewhere it is named with --key.

import { Option } from 'commander';
import { loadIdentity } from '../adapters/identity.ts';
import { fail, type Result } from '../core/errors.ts';
import type { Order } from '../core/messages.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { askFor, type ControlTarget, findTarget } from './control-client.ts';
import { loadOperatorKey, orderText, sign } from './operator.ts';

export const keyOption = (): Option =>
  new Option('--key <file>', "the operator's key (default: the one in the run folder)").env('QUILT_OPERATOR_KEY');

async function send(
  target: ControlTarget,
  keyPath: string | undefined,
  makeOrder: (status: StatusView) => Result<Order>,
): Promise<Result<StatusView>> {
  const key =
    keyPath === undefined && target.folder !== null
      ? loadOperatorKey(target.folder)
      : keyPath === undefined
        ? NO_KEY
        : loadIdentity(keyPath);
  if (!key.ok) return key;
  const status = await askFor<StatusView>(target, { ask: 'status' });
  if (!status.ok) return status;
  const order = makeOrder(status.value);
  if (!order.ok) return order;
  const sent = await askFor<null>(target, { ask: 'order', order: orderText(sign(status.value.swarmId, key.value, order.value)) });
  return sent.ok ? status : sent;
}

const NO_KEY = fail({
  code: 'QUILT_KEY_MISSING',
  message: "an order needs the operator's key, and a ticket does not hold it",
  hint: 'name it with --key; seed and run keep it as operator.key in their folder',
});

/** Answers what the swarm was doing when the order was taken. */
export async function giveOrder(
  where: string | undefined,
  keyPath: string | undefined,
  makeOrder: (status: StatusView) => Result<Order>,
): Promise<Result<StatusView>> {
  const target = await findTarget(where);
  if (!target.ok) return target;
  try {
    return await send(target.value, keyPath, makeOrder);
  } finally {
    await target.value.close();
  }
}

/** The run that an order is for; orders name it, so that none is good for another run. */
export function runIdOf(status: StatusView): Result<string> {
  if (status.runId !== null) return { ok: true, value: status.runId };
  return fail({ code: 'QUILT_NO_RUN', message: 'the swarm has no run yet', hint: 'wait until it has formed: quilt-swarm status' });
}
