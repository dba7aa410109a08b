/** Each is seen to its end, whatever becomes of the others; then throws what the first that failed threw. */
export async function waitForAll(done: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(done);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
