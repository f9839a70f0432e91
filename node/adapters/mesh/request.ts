// The asking side of request and response: one stream, one frame each way, bounded in bytes and time. Every way it can fail is a problem with a
// code, because the caller has a choice: ask another peer, ask again, or tell the user.

import type { Stream } from '@libp2p/interface';
import { fail, ok, type Problem, type Result } from '../../core/errors.ts';
import { createFrameDecoder, encodeFrame } from './frames.ts';
import type { MeshLimits } from './types.ts';

/** Settles exactly once, within limits.requestMsMax; the stream is closed or aborted afterwards. */
export function askOnStream(stream: Stream, bytes: Uint8Array, limits: MeshLimits): Promise<Result<Uint8Array>> {
  return new Promise((resolve) => {
    const decoder = createFrameDecoder(limits.responseBytesMax);
    const finish = (result: Result<Uint8Array>): void => {
      clearTimeout(timer);
      resolve(result);
      if (result.ok) void stream.close().catch((error: Error) => stream.abort(error));
      else stream.abort(new Error('request failed'));
    };
    const timer = setTimeout(() => finish(fail(TIMED_OUT)), limits.requestMsMax);
    stream.addEventListener('message', (event) => {
      const [response] = decoder.push(event.data.subarray());
      if (decoder.malformed) finish(fail(TOO_LARGE));
      else if (response !== undefined) finish(ok(response));
    });
    stream.addEventListener('close', () => finish(fail(REFUSED)));
    stream.addEventListener('remoteCloseWrite', () => finish(fail(REFUSED)));
    try {
      stream.send(encodeFrame(bytes));
    } catch {
      finish(fail(REFUSED));
    }
  });
}

const TIMED_OUT: Problem = {
  code: 'QUILT_REQUEST_TIMEOUT',
  message: 'the peer did not answer in time',
  hint: 'it may be overloaded or partitioned; ask another node or try again',
};
const TOO_LARGE: Problem = {
  code: 'QUILT_RESPONSE_TOO_LARGE',
  message: 'the answer is larger than this node accepts',
  hint: 'a scenario bundle must stay below 64 MiB; move large data files to a place the endpoints can read',
};
const REFUSED: Problem = {
  code: 'QUILT_REQUEST_REFUSED',
  message: 'the peer refused the request or went away before it answered',
  hint: 'it may be too busy, not know the answer, or run another version; ask another node',
};
