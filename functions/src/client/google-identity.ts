const METADATA =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity';
const RENEW_BEFORE_MS = 300_000;

/**
 * ID tokens of the service account that this program runs as on Google Cloud, for one audience; each is
 * used until shortly before it ends (https://cloud.google.com/run/docs/authenticating/service-to-service).
 */
export function googleIdentity(audience: string, ask: typeof fetch = fetch): () => Promise<string> {
  let known: { readonly token: string; readonly until: number } | undefined;
  return async () => {
    if (known && Date.now() < known.until) return known.token;
    const url = `${METADATA}?audience=${encodeURIComponent(audience)}&format=full`;
    const response = await ask(url, { headers: { 'Metadata-Flavor': 'Google' } });
    if (!response.ok) throw new Error(`The metadata server gave no ID token (${response.status}).`);
    const token = (await response.text()).trim();
    known = { token, until: endOf(token) - RENEW_BEFORE_MS };
    return token;
  };
}

function endOf(token: string): number {
  const payload = token.split('.')[1] ?? '';
  const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number };
  return exp * 1_000;
}
