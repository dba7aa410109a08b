const HIDDEN = '(hidden)';

const SECRET_NAMES =
  /passw|secret|credential|authori[sz]ation|cookie|bearer|api_?key|private_?key|(access|refresh|id|auth|session)_?token|^token$/;
const CARD_NAMES = /^(card|card_?number|pan|cvc|cvv|iban|pin|ssn)$/;

/**
 * A value fit for a screen that others may see: fields whose names speak of secrets or cards are
 * replaced. Looks into plain objects, arrays and Maps; anything else is as it was.
 */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value instanceof Map) {
    return new Map([...value].map(([key, held]) => [key, hide(key, held)]));
  }
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, hide(key, held)]));
}

function hide(key: unknown, held: unknown): unknown {
  if (typeof key !== 'string') return withoutSecrets(held);
  const name = key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll('-', '_');
  return SECRET_NAMES.test(name) || CARD_NAMES.test(name) ? HIDDEN : withoutSecrets(held);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
