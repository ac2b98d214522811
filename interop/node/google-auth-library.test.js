// Google's library for Node, unmodified, against the fake.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';

import { gaxios, GoogleAuth, JWT } from 'google-auth-library';

import { authorize, PATIENCE, signIn, startFake } from './fake.js';
import { idTokenTests } from './id-token-tests.js';

const fake = await startFake();
after(() => fake.stop());

/** The library's own error, with Google's status, code and text. */
function refusal(status, error, description) {
  return thrown => {
    assert(thrown instanceof gaxios.GaxiosError);
    assert.equal(thrown.status, status);
    assert.deepEqual(thrown.response.data, { error, error_description: description });
    return true;
  };
}

const DEAD = refusal(400, 'invalid_grant', 'Token has been expired or revoked.');
const NO_SUCH_TOKEN = refusal(400, 'invalid_token', 'Invalid Value');

// --- sign-in ---

test('signs in with PKCE', async () => {
  const realm = fake.realm('sign-in');
  const client = await realm.client();
  const tokens = await signIn(client);
  assert.match(tokens.access_token, /^ya29\./);
  assert.match(tokens.refresh_token, /^1\/\//);
  assert.equal(tokens.token_type, 'Bearer');
  assert(tokens.expiry_date > Date.now());
  assert.deepEqual(await realm.grants(), ['authorization_code']);
});

test('a code is worth nothing with another verifier', async () => {
  const client = await fake.realm('verifier').client();
  const [mine, foreign] = await Promise.all([client.generateCodeVerifierAsync(), client.generateCodeVerifierAsync()]);
  const challenge = { code_challenge: mine.codeChallenge, code_challenge_method: 'S256' };
  const code = await authorize(client, challenge);
  const exchange = client.getToken({ code, codeVerifier: foreign.codeVerifier });
  await assert.rejects(exchange, refusal(400, 'invalid_grant', 'Invalid code verifier.'));
});

// --- refresh ---

test('refreshes when the access token has run out', async () => {
  const realm = fake.realm('refresh');
  const client = await realm.client();
  const first = await signIn(client);
  await realm.post('clock', { advance: '1h' });
  await assert.rejects(client.getTokenInfo(first.access_token), NO_SUCH_TOKEN);

  const { credentials } = await client.refreshAccessToken();
  assert.notEqual(credentials.access_token, first.access_token);
  assert.equal(credentials.refresh_token, first.refresh_token);
  await client.getTokenInfo(credentials.access_token);
});

test('getAccessToken refreshes only after expiry_date', async () => {
  const realm = fake.realm('expiry-date');
  const client = await realm.client();
  const first = await signIn(client);
  assert.equal((await client.getAccessToken()).token, first.access_token);
  client.setCredentials({ ...first, expiry_date: Date.now() - 1 });
  assert.notEqual((await client.getAccessToken()).token, first.access_token);
  assert.deepEqual(await realm.grants(), ['authorization_code', 'refresh_token']);
});

test('a request that is answered 401 refreshes and is sent again', async () => {
  const realm = fake.realm('unauthorized');
  const client = await realm.client({ forceRefreshOnFailure: true });
  await signIn(client);
  await realm.post('clock', { advance: '1h' });
  const { data } = await client.request({ url: `${realm.issuer}/v1/userinfo` });
  assert.equal(data.email, 'ada@example.com');
  assert.deepEqual(await realm.grants(), ['authorization_code', 'refresh_token']);
});

// --- revocation ---

test('a refresh fails when the user has taken the grant back', async () => {
  const realm = fake.realm('taken-back');
  const client = await realm.client();
  await signIn(client);
  await realm.post('revoke', { token: 'rt#1' });
  await assert.rejects(client.refreshAccessToken(), DEAD);
});

test('revokeCredentials takes the refresh token with it', async () => {
  const client = await fake.realm('revoke-credentials').client();
  const tokens = await signIn(client);
  assert.equal((await client.revokeCredentials()).status, 200);
  client.setCredentials(tokens);
  await assert.rejects(client.refreshAccessToken(), DEAD);
});

test('revokeToken of the refresh token takes the access token with it', async () => {
  const client = await fake.realm('revoke-token').client();
  const tokens = await signIn(client);
  await client.revokeToken(tokens.refresh_token);
  await assert.rejects(client.getTokenInfo(tokens.access_token), NO_SUCH_TOKEN);
  await assert.rejects(client.refreshAccessToken(), DEAD);
});

// --- id_token and tokeninfo ---

idTokenTests(fake);

test('the keys are those of /oauth2/v1/certs', async () => {
  const client = await fake.realm('keys').client();
  const { certs, format } = await client.getFederatedSignonCerts();
  assert.equal(format, 'PEM');
  for (const [kid, cert] of Object.entries(certs)) {
    assert.match(kid, /^[0-9a-f]{40}$/);
    assert.match(cert, /^-----BEGIN CERTIFICATE-----\n/);
  }
});

test('getTokenInfo tells whose token it is and what it may do', async () => {
  const realm = fake.realm('token-info');
  const client = await realm.client();
  const { access_token: token } = await signIn(client);
  const info = await client.getTokenInfo(token);
  assert.equal(info.aud, await realm.clientId());
  assert.equal(info.email, 'ada@example.com');
  assert(info.scopes.includes('openid'));
  assert(info.expiry_date > Date.now());
  await assert.rejects(client.getTokenInfo('nonsense'), NO_SUCH_TOKEN);
});

// --- service accounts ---

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_only';
const AUDIENCE = 'https://service.example.com';

/**
 * The client of the realm's service account, and its key file. This client ignores `token_uri` in the file and has no
 * setting for the endpoint; what it offers is the implementation of fetch.
 */
async function robot(realm, options) {
  const [file] = await realm.get('service_accounts');
  assert.equal(file.token_uri, `${realm.issuer}/token`);
  const google = 'https://oauth2.googleapis.com/';
  const fetchImplementation = (url, init) => fetch(String(url).replace(google, `${realm.issuer}/`), init);
  const jwt = new JWT({
    email: file.client_email,
    key: file.private_key,
    transporterOptions: { fetchImplementation, timeout: PATIENCE },
    ...options,
  });
  return { jwt, file };
}

async function scopesOf(token, realm) {
  const client = await realm.client();
  return (await client.getTokenInfo(token)).scopes;
}

async function claimsOf(idToken, realm) {
  const client = await realm.client();
  return (await client.verifyIdToken({ idToken, audience: AUDIENCE })).getPayload();
}

test('a service account gets an access token', async () => {
  const realm = fake.realm('robot');
  const { jwt } = await robot(realm, { scopes: [SCOPE] });
  const { access_token: token } = await jwt.authorize();
  assert.deepEqual(await scopesOf(token, realm), [SCOPE]);
});

test('a service account with a foreign key is refused', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const { jwt } = await robot(fake.realm('robot-foreign-key'), { scopes: [SCOPE], key });
  await assert.rejects(jwt.authorize(), refusal(400, 'invalid_grant', 'Invalid JWT Signature.'));
});

test('a service account gets an id_token', async () => {
  const realm = fake.realm('robot-id-token');
  const { jwt, file } = await robot(realm);
  const claims = await claimsOf(await jwt.fetchIdToken(AUDIENCE), realm);
  assert.equal(claims.email, file.client_email);
});

test('GoogleAuth hands out both', async () => {
  const realm = fake.realm('google-auth');
  const { jwt, file } = await robot(realm, { scopes: [SCOPE] });
  const auth = new GoogleAuth({ authClient: jwt });
  assert.deepEqual(await scopesOf(await auth.getAccessToken(), realm), [SCOPE]);

  const client = await auth.getIdTokenClient(AUDIENCE);
  const headers = await client.getRequestHeaders();
  const claims = await claimsOf(headers.get('authorization').replace('Bearer ', ''), realm);
  assert.equal(claims.email, file.client_email);
});
