/** The Castagnoli polynomial, reflected. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder >>> 0;
});

/** CRC32C as Cloud Storage writes it: base64 of four bytes, the most significant first. */
export function crc32c(bytes: Uint8Array): string {
  let remainder = 0xffff_ffff;
  for (const byte of bytes) {
    remainder = (TABLE[(remainder ^ byte) & 0xff] as number) ^ (remainder >>> 8);
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((remainder ^ 0xffff_ffff) >>> 0);
  return sum.toString('base64');
}
