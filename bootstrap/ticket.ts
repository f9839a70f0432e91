// The ticket (DESIGN.md section 2): one pasteable string that makes a machine a member of a swarm. `quilt2-` and the base64url of content,
// operator's signature and checksum. The checksum tells a bad paste from a forgery: it fails first, and the advice differs. The signature binds
// what a holder could otherwise alter before passing the ticket on (seeds, expected size, expiry); the operator's public key is in the ticket
// itself, so a wholly new ticket is a new swarm and not a forgery of this one. The ticket contains the swarm key: whoever reads it can
// join, so it is never logged. Pure but for node:crypto's hash and verification; secrets, files and the clock are the caller's.

import { createHash } from 'node:crypto';
import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor';
import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import { isSignedWith, PUBLIC_KEY_BYTES, publicKeyObject, SIGNATURE_BYTES } from '../node/wire/ed25519.ts';
import { bytesOf, integerOf, listOf, type Shape, textOf } from '../node/wire/shape-check.ts';

export interface Ticket {
  /** Names the swarm in topics, protocols and hashes: 1 to 40 of a-z, 0-9 and '-'. */
  readonly swarmId: string;
  /** 32 bytes: libp2p's pre-shared key. */
  readonly swarmKey: Uint8Array;
  /** 32 bytes: the operator's Ed25519 public key. */
  readonly operatorKey: Uint8Array;
  /** Multiaddrs with /p2p/ID, 1 to 8. */
  readonly seeds: readonly string[];
  /** Load nodes that the roster waits for. */
  readonly expectNodes: number;
  /** Voting witnesses beside them (seed, console, scout). */
  readonly witnesses: number;
  /** The swarm must have formed this long after a node's start, or the node leaves: the same for all, whoever coordinates. */
  readonly joinWithinMs: number;
  /** Wall clock, ms since 1970. */
  readonly expiresWallMs: number;
  /** The program that the swarm runs, release and build (commands/program-version.ts): nodes of a run must be the same. */
  readonly program: string;
}

const VERSION = 2;
const PREFIX = `quilt${VERSION}-`;
const CHECKSUM_BYTES = 4;
const TEXT_LENGTH_MAX = 2048;

const contentShapes: readonly Shape[] = [
  (value) => typeof value === 'string' && /^[a-z0-9-]{1,40}$/.test(value),
  bytesOf(32, 32),
  bytesOf(PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES),
  (value) => Array.isArray(value) && value.length > 0 && listOf(textOf(256), 8)(value),
  integerOf(1, 4096),
  integerOf(0, 64),
  integerOf(1000, 7 * 86_400_000),
  // The last moment that Date can write.
  integerOf(0, 8.64e15),
  (value) => typeof value === 'string' && /^[\w.+-]{1,64}$/.test(value),
];

/** `sign` is the operator's. Problem: QUILT_TICKET_CONTENT when a value is out of bounds. About 330 characters with one seed. */
export function encodeTicket(ticket: Ticket, sign: (bytes: Uint8Array) => Uint8Array): Result<string> {
  const content = [
    ticket.swarmId,
    ticket.swarmKey,
    ticket.operatorKey,
    ticket.seeds,
    ticket.expectNodes,
    ticket.witnesses,
    ticket.joinWithinMs,
    ticket.expiresWallMs,
    ticket.program,
  ];
  if (!contentShapes.every((shape, index) => shape(content[index]))) return fail(CONTENT);
  const signed = encodeCbor(content);
  const body = Buffer.concat([sign(signedBytes(signed)), signed]);
  return ok(PREFIX + Buffer.concat([body, checksum(body)]).toString('base64url'));
}

/** White space anywhere is forgiven (mail clients break lines), nothing else is. */
export function decodeTicket(text: string, nowWallMs: number): Result<Ticket> {
  const compact = text.slice(0, TEXT_LENGTH_MAX * 2).replace(/\s+/g, '');
  const version = /^quilt(\d+)-/.exec(compact)?.[1];
  if (version === undefined) return fail(NOT_A_TICKET);
  if (version !== String(VERSION)) return fail(otherVersion(version));
  const body = checkedBody(compact);
  if (body === null) return fail(DAMAGED);

  const signature = body.subarray(0, SIGNATURE_BYTES);
  const content = body.subarray(SIGNATURE_BYTES);
  const ticket = readContent(content);
  if (ticket === null) return fail(DAMAGED);
  if (!isSignedWith(publicKeyObject(ticket.operatorKey), signedBytes(content), signature)) return fail(FORGED);
  if (nowWallMs >= ticket.expiresWallMs) return fail(expired(ticket.expiresWallMs));
  return ok(ticket);
}

/** Signature and content, or null when the checksum says that characters are missing or changed. */
function checkedBody(compact: string): Buffer | null {
  if (compact.length > TEXT_LENGTH_MAX) return null;
  const encoded = compact.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // The last character of base64 has spare bits, and the decoder skips what is not base64: only the exact spelling counts.
  if (bytes.toString('base64url') !== encoded || bytes.length <= SIGNATURE_BYTES + CHECKSUM_BYTES) return null;
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  return checksum(body).equals(bytes.subarray(-CHECKSUM_BYTES)) ? body : null;
}

function readContent(bytes: Uint8Array): Ticket | null {
  try {
    const content: unknown = decodeCbor(bytes);
    if (!Array.isArray(content) || content.length !== contentShapes.length) return null;
    if (!contentShapes.every((shape, index) => shape(content[index]))) return null;
    const [swarmId, swarmKey, operatorKey, seeds, expectNodes, witnesses, joinWithinMs, expiresWallMs, program] = content;
    return {
      swarmId,
      swarmKey: new Uint8Array(swarmKey),
      operatorKey: new Uint8Array(operatorKey),
      seeds,
      expectNodes,
      witnesses,
      joinWithinMs,
      expiresWallMs,
      program,
    };
  } catch {
    return null;
  }
}

function signedBytes(content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`quilt ticket ${VERSION}\n`), content]);
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(body).digest().subarray(0, CHECKSUM_BYTES);
}

const NOT_A_TICKET: Problem = {
  code: 'QUILT_TICKET_MALFORMED',
  message: 'this is not a ticket',
  hint: `a ticket starts with ${PREFIX}; copy the whole line that seed, run or launch printed`,
};
const DAMAGED: Problem = {
  code: 'QUILT_TICKET_DAMAGED',
  message: 'the ticket is incomplete or a character was changed: its checksum does not fit',
  hint: 'copy it again, to the last character',
};
const FORGED: Problem = {
  code: 'QUILT_TICKET_FORGED',
  message: 'the ticket was altered after its operator signed it',
  hint: 'do not use it; ask the operator for a ticket over another channel',
};
const CONTENT: Problem = {
  code: 'QUILT_TICKET_CONTENT',
  message: 'a ticket cannot carry these values',
  hint: 'swarm id of a-z, 0-9 and -, one to eight seed addresses, 1 to 4096 expected nodes, at most 64 witnesses',
};

function otherVersion(version: string): Problem {
  return {
    code: 'QUILT_TICKET_VERSION',
    message: `the ticket is of version ${version.slice(0, 9)}, this program reads version ${VERSION}`,
    hint: 'use the version of quilt-swarm that made the ticket',
  };
}

function expired(expiresWallMs: number): Problem {
  return {
    code: 'QUILT_TICKET_EXPIRED',
    message: `the ticket expired at ${new Date(expiresWallMs).toISOString()}`,
    hint: 'ask the operator for a new one; if you think it is still good, check the clock of this machine',
  };
}
