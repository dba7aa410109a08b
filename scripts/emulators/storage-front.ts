import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

/** The part of the emulator's administrator layer that the front needs. */
export interface StorageLayer {
  getMetadata(bucket: string, object: string): { readonly generation: number } | undefined;
  createBucket(id: string): void;
  listBuckets(): Promise<{ readonly id: string }[]>;
}

/**
 * Adds to the emulator what Cloud Storage has and it lacks: inserting and reading a bucket, the
 * `/storage/v1` prefix on every route, and `ifGenerationMatch`, refused with 412. Writes are served one
 * at a time, so that no other write comes between a precondition's check and its effect.
 */
export function storageFront(emulator: RequestListener, layer: StorageLayer): RequestListener {
  const preconditions = new Map<string, string>(); // of resumable uploads, by upload id
  let lastWrite: Promise<void> = Promise.resolve();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.url = request.url!.replace(/^\/storage\/v1(?=\/)/, '');
    const target = targetOf(request.url);
    switch (target.kind) {
      case 'buckets':
        if (request.method !== 'POST') break;
        return insertBucket(layer, request, response);
      case 'bucket':
        if (request.method !== 'GET') break;
        return readBucket(layer, target.bucket, response);
      case 'object': {
        const wanted = target.ifGenerationMatch ?? preconditions.get(target.uploadId ?? '');
        if (wanted === undefined) break;
        const found = layer.getMetadata(target.bucket, target.object)?.generation ?? 0;
        if (wanted !== String(found)) {
          request.resume();
          return refuse(response, 412, 'conditionNotMet', 'A given precondition does not hold.');
        }
        await pass(emulator, request, response);
        const upload = startedUpload(response);
        if (upload) preconditions.set(upload, wanted);
        return;
      }
      case 'other':
        break;
    }
    await pass(emulator, request, response);
  };

  return (request, response) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const served = reads
      ? serve(request, response)
      : lastWrite.then(() => serve(request, response));
    const settled = served.catch((error: unknown) => {
      console.error(`${request.method} ${request.url}:`, error);
      response.destroy();
    });
    if (!reads) lastWrite = settled;
  };
}

type Target =
  | { kind: 'buckets' }
  | { kind: 'bucket'; bucket: string }
  | {
      kind: 'object';
      bucket: string;
      object: string;
      ifGenerationMatch: string | undefined;
      uploadId: string | undefined;
    }
  | { kind: 'other' };

function targetOf(path: string): Target {
  const { pathname, searchParams } = new URL(path, 'http://emulator');
  if (pathname === '/b') return { kind: 'buckets' };
  const parts = /^(?:\/(?:upload|download)\/storage\/v1)?\/b\/([^/]+)(\/o(?:\/([^/]+))?)?$/.exec(
    pathname,
  );
  if (!parts) return { kind: 'other' };
  const bucket = decodeURIComponent(parts[1]!);
  if (!parts[2]) return { kind: 'bucket', bucket };
  const object = parts[3] ? decodeURIComponent(parts[3]) : searchParams.get('name');
  if (!object) return { kind: 'other' };
  return {
    kind: 'object',
    bucket,
    object,
    ifGenerationMatch: searchParams.get('ifGenerationMatch') ?? undefined,
    uploadId: searchParams.get('upload_id') ?? undefined,
  };
}

async function pass(
  emulator: RequestListener,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const closed = once(response, 'close');
  emulator(request, response);
  await closed;
}

/** The id of the resumable upload that this response announced, if it did. */
function startedUpload(response: ServerResponse): string | undefined {
  const location = response.getHeader('location');
  if (typeof location !== 'string') return undefined;
  return new URL(location).searchParams.get('upload_id') ?? undefined;
}

async function insertBucket(
  layer: StorageLayer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { name } = (await json(request)) as { name: string };
  const known = (await layer.listBuckets()).some(({ id }) => id === name);
  if (known) return refuse(response, 409, 'conflict', `The bucket ${name} exists already.`);
  layer.createBucket(name);
  return readBucket(layer, name, response);
}

async function readBucket(
  layer: StorageLayer,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const bucket = (await layer.listBuckets()).find(({ id }) => id === name);
  if (!bucket) return refuse(response, 404, 'notFound', `The bucket ${name} does not exist.`);
  answer(response, 200, bucket);
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  answer(response, code, {
    error: { code, message, errors: [{ domain: 'global', reason, message }] },
  });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
