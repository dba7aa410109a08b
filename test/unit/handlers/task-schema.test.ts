import { expect, it } from 'vitest';
import published from '../../../functions/schemas/task.v1.schema.json' with { type: 'json' };
import { TASK_ATTRIBUTES } from '../../../functions/src/handlers/task-fields.ts';
import { taskJsonSchema, taskSchema } from '../../../functions/src/handlers/task-schema.ts';

it('the published JSON Schema is the one that messages are judged by', () => {
  expect(published).toEqual(taskJsonSchema());
});

it('the published JSON Schema says that a task needs a key or a token, and a window its token', () => {
  expect(published).toMatchObject({
    required: ['schema', 'action'],
    oneOf: [{ required: ['key'] }, { required: ['token'] }],
    dependentRequired: { window: ['token', 'madeAt'] },
  });
});

it('every field of a task may be given as an attribute', () => {
  expect(new Set(TASK_ATTRIBUTES)).toEqual(new Set(Object.keys(taskSchema.shape)));
});
