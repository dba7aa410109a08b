import { crc32 } from 'node:zlib';

export interface ZipEntry {
  /** With forward slashes, relative. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8 = 0x0800;
/** Not compressed: what a compressor makes of the same bytes differs from one machine to another. */
const STORED = 0;
/** 1980-01-01, the first day that a zip can tell; no file's own time goes in. */
const EPOCH = 0x0021;
/** A plain file, readable by everyone, made on Unix. */
const MADE_BY = (3 << 8) | VERSION;
const MODE = 0o100644 * 0x1_0000;

/** A zip whose bytes follow from its entries alone: sorted by path, without times or owners. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const parts: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes } of sorted) {
    const name = Buffer.from(path);
    const common = commonHeader(name, bytes);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(LOCAL, 0);
    common.copy(local, 4);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(CENTRAL, 0);
    central.writeUInt16LE(MADE_BY, 4);
    common.copy(central, 6);
    central.writeUInt32LE(MODE, 38);
    central.writeUInt32LE(offset, 42);
    parts.push(local, name, bytes);
    directory.push(central, name);
    offset += local.length + name.length + bytes.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(sorted.length, 8);
  end.writeUInt16LE(sorted.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}

/** The 26 bytes that the local header and the directory have in common. */
function commonHeader(name: Buffer, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(UTF8, 2);
  header.writeUInt16LE(STORED, 4);
  header.writeUInt16LE(0, 6);
  header.writeUInt16LE(EPOCH, 8);
  header.writeUInt32LE(crc32(bytes), 10);
  header.writeUInt32LE(bytes.length, 14);
  header.writeUInt32LE(bytes.length, 18);
  header.writeUInt16LE(name.length, 22);
  return header;
}
