// Makes the record of a request that its owner waits for. One shape for all, so that the engine's inline caches hold.

import type { OutgoingRequest } from './client-transactions.ts';

export const newRequest = (
  method: string,
  cseq: number,
  lines: string,
  contentType: string,
  body: string,
  startedAtMs: number,
  isRefresh = false,
): OutgoingRequest => ({
  method,
  cseq,
  lines,
  contentType,
  body,
  startedAtMs,
  transaction: null,
  challenges: 0,
  isRefresh,
  isDropped: false,
});
