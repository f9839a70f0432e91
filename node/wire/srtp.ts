// SRTP and SRTCP (RFC 3711) with AES_CM_128_HMAC_SHA1_80.

/** Keys of one direction, RFC 4568 inline: master key (16 bytes) and salt (14). */
export interface SrtpKey {
  readonly suite: 'AES_CM_128_HMAC_SHA1_80';
  readonly keyAndSalt: Uint8Array;
}
