// Names of the artifact store: the address that an operator writes (`dir:PATH` or `s3://BUCKET/PREFIX`) and the keys of objects in it. Bucket names follow Amazon's rules
// ("Bucket naming rules", general purpose buckets), which every clone accepts. Keys are narrower than any store: they must also be file names on every system and
// mean the same in a URL, and a segment that begins with a dot is the dir store's own. What opens an address is commands/artifact-store.ts.

import { fail, ok, type Problem, type Result } from '../core/errors.ts';

export type StoreAddress =
  | { readonly kind: 'dir'; readonly path: string }
  /** `prefix` is empty or ends with a slash. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

/** S3 allows 1024 with the prefix; Swift as well. */
const KEY_CHARACTERS_MAX = 700;
const PREFIX_CHARACTERS_MAX = 200;
const SEGMENT_PATTERN = /^[A-Za-z0-9_=@+-][A-Za-z0-9._=@+-]{0,199}$/;
const BUCKET_PATTERN = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const FORMS = 'dir:PATH or s3://BUCKET/PREFIX';

export function parseStoreAddress(text: string): Result<StoreAddress> {
  if (text.startsWith('dir:')) {
    const path = text.slice('dir:'.length);
    if (path === '' || path.includes('\0')) return fail(badAddress(text, 'the folder is missing', 'for example dir:artifacts'));
    return ok({ kind: 'dir', path });
  }
  if (!text.startsWith('s3://')) return fail(badAddress(text, 'neither a folder nor a bucket', `write ${FORMS}`));
  const [bucket = '', ...segments] = text.slice('s3://'.length).replace(/\/+$/, '').split('/');
  if (!BUCKET_PATTERN.test(bucket)) {
    const hint = 'write 3 to 63 small letters, digits, dots and hyphens; the endpoint goes into AWS_ENDPOINT_URL_S3';
    return fail(badAddress(text, `'${bucket}' is no bucket name`, hint));
  }
  const prefix = segments.join('/');
  const complaint = segments.length === 0 ? null : keyComplaint(prefix);
  if (complaint !== null || prefix.length > PREFIX_CHARACTERS_MAX) {
    return fail(
      badAddress(text, complaint ?? 'the prefix is too long', `write at most ${PREFIX_CHARACTERS_MAX} characters after the bucket`),
    );
  }
  return ok({ kind: 's3', bucket, prefix: prefix === '' ? '' : `${prefix}/` });
}

const badAddress = (text: string, why: string, hint: string): Problem => ({
  code: 'QUILT_STORE_ADDRESS',
  message: `'${text}' is no artifact store: ${why}`,
  hint,
});

/** Why this is no key, or null when it is one. */
export function keyComplaint(key: string): string | null {
  if (key.length > KEY_CHARACTERS_MAX) return `a key has at most ${KEY_CHARACTERS_MAX} characters`;
  for (const segment of key.split('/')) {
    if (!SEGMENT_PATTERN.test(segment))
      return `'${segment}' in '${key}' is empty, too long, begins with a dot, or has other characters than A-Za-z0-9._=@+-`;
  }
  return null;
}

/** A file's path (relative, with slashes) as a key: what a key may not hold becomes =XX by byte, as does the equals sign itself, so that no two paths share a key. */
export function keyOfPath(path: string): string {
  const escaped = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return path
    .split('/')
    .map((segment) => segment.replaceAll(/[^A-Za-z0-9._@+-]+|^\./g, escaped))
    .join('/');
}
