/** Containers nested deeper than this are refused, so that no value can exhaust the stack. */
const MAX_DEPTH = 200;

/** A value has no canonical form, or a text is not the canonical form of any value. */
export class CanonicalError extends Error {
  override readonly name = 'CanonicalError';
  /** Where in the value: `$.items[3].price`; Map and Set members by position: `$.m<key 0>`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

type Step = string | number | { readonly member: string };

/** Where a walk over a value is: its open containers, and the steps that led here. */
export interface Trail {
  readonly verb: 'encode' | 'decode';
  readonly ancestors: object[];
  readonly steps: Step[];
}

export function enter(container: object, trail: Trail): void {
  if (trail.ancestors.includes(container)) {
    refuse(trail, 'the value contains itself', 'Refer to it by an id instead.');
  }
  if (trail.ancestors.length >= MAX_DEPTH) {
    refuse(trail, `more than ${MAX_DEPTH} levels are nested`, 'Flatten the value.');
  }
  trail.ancestors.push(container);
}

export function refuseExtra(trail: Trail, what: string): never {
  return refuse(trail, `${what} would be lost`, 'Move what it holds into an object under a name.');
}

export function refuseRepeat(trail: Trail, member: string): never {
  trail.steps.push({ member });
  return refuse(trail, 'an equal member came before', 'Use an array where repeats mean something.');
}

export function refuse(trail: Trail, problem: string, remedy: string): never {
  const path = pathOf(trail.steps);
  throw new CanonicalError(path, `Can't ${trail.verb} ${path}: ${problem}. ${remedy}`);
}

function pathOf(steps: readonly Step[]): string {
  const texts = steps.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    if (typeof step === 'object') return `<${step.member}>`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  if (texts.length > 16) texts.splice(8, texts.length - 12, '…');
  return `$${texts.join('')}`;
}
