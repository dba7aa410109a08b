import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** Gives text a style where the reader's terminal takes one. */
export type Paint = (style: Style, text: string) => string;

export const unpainted: Paint = (_style, text) => text;

/** Styled only on a terminal, and never under NO_COLOR. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}
