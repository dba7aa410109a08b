/*
 * Preloaded into the functions process on a developer's machine: functions-framework listens on every
 * interface, and pushes are not verified here, so that anyone on the network could have tasks run.
 */
import { Server } from 'node:net';

const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;

Server.prototype.listen = function (this: Server, port: unknown, ...rest: unknown[]): Server {
  return typeof port === 'number' || typeof port === 'string'
    ? listen.call(this, Number(port), '127.0.0.1', ...rest)
    : listen.call(this, port, ...rest);
} as typeof Server.prototype.listen;
