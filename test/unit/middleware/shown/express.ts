import { systemClock } from 'agent-once';
import { embeddedStore } from 'agent-once/embedded';
import { idempotency, idempotencyOf } from 'agent-once/middleware/express';
import express from 'express';

interface Mailer {
  send(text: string): Promise<string>;
}

export function mails(mailer: Mailer, file: string) {
  const app = express();
  app.use(express.json());
  app.post(
    '/mails',
    idempotency({
      store: embeddedStore(file, systemClock),
      namespace: 'shop',
      action: 'mails.send',
      effect: 'once', // a mail can't be taken back, and the mailer knows no keys
      caller: () => 'ann', // here your own authentication
    }),
    (request, response, next) => {
      const { text } = request.body as { text: string };
      idempotencyOf(request)?.signal.throwIfAborted();
      mailer.send(text).then((id) => response.status(201).json({ id }), next);
    },
  );
  return app;
}
