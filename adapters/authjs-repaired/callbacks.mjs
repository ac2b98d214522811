// The callbacks of the guide, repaired. Beside the tokens the cookie carries what the last refresh taught:
//
//     trouble: { final, until, failures }   the grant is gone for good, or ask again after `until` (seconds)
//     sid                                   which sign-in this is, so that one that has ended stays so

import { randomUUID } from 'node:crypto';
import { Memory } from './memory.mjs';
import { post, refresh } from './refresh.mjs';

const USUAL_LIFETIME_S = 3_600;
const FIRST_PAUSE_S = 30;
const LONGEST_PAUSE_S = 300;
const LONGEST_RETRY_AFTER_S = 3_600;

const memory = new Memory();
const now = () => Date.now() / 1000;

async function jwt({ token, account }) {
  return account ? firstTokens(token, account) : upToDate(token);
}

function firstTokens(token, { access_token, expires_at, refresh_token, providerAccountId }) {
  if (!access_token) throw new TypeError('Missing access_token');
  return {
    ...token,
    access_token,
    expires_at: expires_at ?? Math.floor(now() + USUAL_LIFETIME_S),
    refresh_token,
    subject: providerAccountId,
    sid: randomUUID(),
  };
}

async function upToDate(stale) {
  const token = newest(stale);
  if (now() < token.expires_at || rests(token.trouble)) return token;
  if (!token.refresh_token) return withTrouble(token, { final: true });
  return withOutcome(token, await memory.share(token.refresh_token, () => attempt(token)));
}

/** What this process knows to have come of the tokens in an old cookie. */
function newest(token) {
  const outcome = memory.outcome(token.refresh_token);
  if (outcome?.trouble) return rests(outcome.trouble) ? withTrouble(token, outcome.trouble) : token;
  return outcome?.expires_at > token.expires_at ? newest(withOutcome(token, outcome)) : token;
}

/** Whether to leave the provider alone. A moment that is too far ahead was written by a clock that has been set back. */
function rests(trouble) {
  if (!trouble) return false;
  const left = trouble.until - now();
  return trouble.final || (left > 0 && left <= LONGEST_RETRY_AFTER_S);
}

async function attempt(token) {
  try {
    return await refresh(token);
  } catch (error) {
    console.error(`refresh failed: ${error.message}`);
    return { trouble: troubleOf(error, token.trouble?.failures ?? 0) };
  }
}

function troubleOf({ final, retryAfter = 0 }, before) {
  if (final) return { final };
  const pause = Math.min(FIRST_PAUSE_S * 2 ** before, LONGEST_PAUSE_S);
  return { until: now() + Math.max(pause, Math.min(retryAfter, LONGEST_RETRY_AFTER_S)), failures: before + 1 };
}

function withOutcome(token, outcome) {
  if (outcome.trouble) return withTrouble(token, outcome.trouble);
  const { error, trouble, ...rest } = token;
  return { ...rest, ...outcome };
}

function withTrouble({ access_token, ...token }, trouble) {
  return { ...token, trouble, error: 'RefreshTokenError' };
}

async function session({ session, token }) {
  session.error = token.error;
  // A page may wait instead of sending the user to sign in.
  if (token.trouble?.until) session.retry_at = new Date(token.trouble.until * 1000).toISOString();
  return session;
}

export const callbacks = { jwt, session };

async function signOut({ token: stale }) {
  const token = newest(stale);
  if (!token?.refresh_token || token.trouble?.final) return;
  const late = memory.underWay(token.refresh_token);
  await revoke(token.refresh_token);
  late?.then((outcome) => outcome.refresh_token && revoke(outcome.refresh_token));
}

// The user leaves in any case, whatever the provider answers.
async function revoke(token) {
  try {
    const { revocation_endpoint } = await discovery();
    await post(revocation_endpoint, { token, token_type_hint: 'refresh_token' });
  } catch (error) {
    console.error(`revocation failed: ${error.message}`);
  }
}

async function discovery() {
  const url = `${process.env.ISSUER}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5_000) });
  return response.json();
}

export const events = { signOut };

// Auth.js prints what an error carries, and that of a failed sign-in carries the tokens.
export const logger = {
  error({ name, type, cause }) {
    console.error(`[auth] ${type ?? name}: ${cause?.err?.message ?? 'no cause'}`);
  },
};

// A read that was under way when its user signed out, or another user signed in, must not write its cookies. Callbacks
// cannot keep Auth.js from doing so; this stands around it.
const ended = new Set();

export async function around(request, next, tokenOf) {
  const sid = (await tokenOf(request))?.sid;
  const response = await next(request);
  const isRead = new URL(request.url).pathname.endsWith('/session');
  if (sid && !isRead && setsSession(response)) end(sid);
  return isRead && ended.has(sid) ? Response.json(null, { headers: { 'cache-control': 'no-store' } }) : response;
}

function setsSession(response) {
  return response.headers.getSetCookie().some((cookie) => /^(__Secure-)?authjs\.session-token/.test(cookie));
}

function end(sid) {
  ended.add(sid);
  if (ended.size > 10_000) ended.delete(ended.values().next().value);
}
