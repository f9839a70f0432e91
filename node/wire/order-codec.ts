// What the operator signs: a domain line with wire version and swarm id, then the dag-cbor of the order. The run id stands in the order, so a
// signature is good for one run of one swarm only (P7). Keys come from outside; this file only fixes the bytes.

import { encode as encodeCbor } from '@ipld/dag-cbor';
import { type Order, type SignedOrder, WIRE_VERSION } from '../core/messages.ts';
import { orderShape } from './entry-shapes.ts';

/** The bytes under the operator's signature. */
export function orderBytes(swarmId: string, order: Order): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`quilt order ${WIRE_VERSION} ${swarmId}\n`), encodeCbor(order)]));
}

export function signOrder(swarmId: string, order: Order, sign: (bytes: Uint8Array) => Uint8Array): SignedOrder {
  return { order, signature: sign(orderBytes(swarmId, order)) };
}

/** Never throws: orders arrive from control sockets and peers. */
export function isSignedOrder(
  swarmId: string,
  signed: SignedOrder,
  verify: (bytes: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  if (typeof signed !== 'object' || signed === null || !orderShape(signed.order)) return false;
  return verify(orderBytes(swarmId, signed.order), signed.signature);
}
