// One refresh at the token endpoint: what comes back is either tokens to rely on or a reason not to.

const { ISSUER, TOKEN_ENDPOINT, CLIENT_ID, CLIENT_SECRET } = process.env;
const PATIENCE_MS = 5_000;
const LARGEST_BODY = 1 << 20;
const USUAL_LIFETIME_S = 3_600;
const SHORTEST_LIFETIME_S = 10;
const LONGEST_LIFETIME_S = 366 * 24 * 3_600;

/** The codes that say: this grant is gone, only the user can give another. */
const GONE = new Set([
  'invalid_grant', 'bad_refresh_token', 'invalid_refresh_token', 'access_denied', 'admin_policy_enforced',
  'interaction_required', 'login_required', 'consent_required',
]);

/** A refresh that failed; `final` when it will never succeed. Its message is ours, never the provider's. */
export class RefreshFailed extends Error {
  constructor(message, { final = false, retryAfter = 0 } = {}) {
    super(message);
    this.final = final;
    this.retryAfter = retryAfter;
  }
}

export async function refresh({ refresh_token, subject }) {
  const asked = Date.now() / 1000;
  const { response, answer } = await post(TOKEN_ENDPOINT, { grant_type: 'refresh_token', refresh_token });
  if (response.status !== 200 || answer?.error) throw refusal(response, answer);
  if (!isBearer(answer)) throw new RefreshFailed('the answer has no usable access token');
  checkIdToken(answer.id_token, subject);
  return {
    access_token: answer.access_token,
    expires_at: Math.floor(asked + lifetime(answer.expires_in)),
    refresh_token: isToken(answer.refresh_token) ? answer.refresh_token : refresh_token,
  };
}

/** Sends a form with the client's credentials; never elsewhere than it was told to, never for long. */
export async function post(url, fields) {
  const body = new URLSearchParams({ ...fields, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  try {
    const response = await fetch(url, { method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
    return { response, answer: parsed(await text(response)) };
  } catch (error) {
    throw error instanceof RefreshFailed ? error : new RefreshFailed(`no answer (${error.name})`);
  }
}

async function text(response) {
  const pieces = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > LARGEST_BODY) throw new RefreshFailed('the answer is too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal({ status, headers }, answer) {
  const busy = status >= 500 || status === 429 || status === 408;
  const final = !busy && GONE.has(answer?.error);
  return new RefreshFailed(`refused with status ${status}`, { final, retryAfter: seconds(headers.get('retry-after')) });
}

/** Retry-After: seconds or a date. */
function seconds(value) {
  if (/^\d+$/.test(value ?? '')) return Number(value);
  return Math.max(0, (Date.parse(value) - Date.now()) / 1000) || 0;
}

const isToken = (value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);

function isBearer(answer) {
  const type = answer?.token_type ?? 'bearer';
  return isToken(answer?.access_token) && typeof type === 'string' && type.toLowerCase() === 'bearer';
}

/** A lifetime that is missing or senseless counts as the usual one: asking at every read would help nobody. */
function lifetime(expires_in) {
  const given = typeof expires_in === 'string' && expires_in.trim() ? Number(expires_in) : expires_in;
  if (!Number.isFinite(given)) return USUAL_LIFETIME_S;
  return Math.min(Math.max(given, SHORTEST_LIFETIME_S), LONGEST_LIFETIME_S);
}

// OpenID Connect Core 12.2. The signature is left to TLS: the token comes straight from the token endpoint (3.1.3.7, 6).
function checkIdToken(id_token, subject) {
  if (id_token === undefined || id_token === null) return;
  const [header, claims] = String(id_token).split('.').map((part) => parsed(Buffer.from(part, 'base64url').toString()));
  const fits =
    /^(RS|PS|ES)(256|384|512)$|^Ed(DSA|25519)$/.test(header?.alg) &&
    claims?.iss === ISSUER &&
    claims.sub === subject &&
    [claims.aud].flat().includes(CLIENT_ID) &&
    (claims.azp ?? CLIENT_ID) === CLIENT_ID &&
    claims.exp > Date.now() / 1000 - 60;
  if (!fits) throw new RefreshFailed('the id_token is not of this session', { final: true });
}
