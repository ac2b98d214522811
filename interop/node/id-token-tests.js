// verifyIdToken against the fake. The library takes certificates in Node and JWKs in browsers: both run these tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signIn } from './fake.js';

export function idTokenTests(fake) {
  async function signedIn(name) {
    const realm = fake.realm(name);
    const [client, clientId] = await Promise.all([realm.client(), realm.clientId()]);
    const verify = async (audience = clientId) => {
      const { id_token: idToken } = await signIn(client);
      return client.verifyIdToken({ idToken, audience });
    };
    return { realm, client, clientId, verify };
  }

  test('an id_token verifies', async () => {
    const { realm, clientId, verify } = await signedIn('verify');
    const claims = (await verify()).getPayload();
    assert.equal(claims.iss, realm.issuer);
    assert.equal(claims.aud, clientId);
    assert.equal(claims.email, 'ada@example.com');
    assert.equal(claims.email_verified, true);
  });

  test('an id_token for another audience is refused', async () => {
    const { verify } = await signedIn('audience');
    await assert.rejects(verify('somebody-else'), /^Error: Wrong recipient/);
  });

  test('an id_token of the fake is refused where only Google is an issuer', async () => {
    const realm = fake.realm('issuer');
    const client = await realm.client({ issuers: undefined });
    const { id_token: idToken } = await signIn(client);
    const refusal = client.verifyIdToken({ idToken, audience: await realm.clientId() });
    await assert.rejects(refusal, error => {
      assert(error.message.startsWith('Invalid issuer, expected one of [accounts.google.com,'));
      return error.message.endsWith(realm.issuer);
    });
  });

  test('an id_token with a broken signature is refused', async () => {
    const { realm, verify } = await signedIn('broken');
    await realm.post('replies', { to: 'token', with: { id_token: { signature: 'broken' } } });
    await assert.rejects(verify(), /^Error: Invalid token signature/);
    await verify();
  });

  test('an id_token without a signature is refused', async () => {
    const { realm, verify } = await signedIn('unsigned');
    await realm.post('replies', { to: 'token', with: { id_token: { signature: 'none' } } });
    await assert.rejects(verify(), /^Error: No pem found for envelope: {"alg":"none"/);
  });

  test('an id_token that has run out is refused', async () => {
    const { realm, verify } = await signedIn('late');
    await realm.post('clock', { back: '2h' });
    await assert.rejects(verify(), /^Error: Token used too late/);
  });

  test('an id_token from the future is refused', async () => {
    const { realm, verify } = await signedIn('early');
    await realm.post('clock', { advance: '1h' });
    await assert.rejects(verify(), /^Error: Token used too early/);
  });

  test('an id_token signed with a rotated key verifies', async () => {
    const { realm, client, clientId: audience } = await signedIn('rotation');
    const before = (await signIn(client)).id_token;
    await realm.post('keys/rotate');
    const after = (await signIn(client)).id_token;
    // The library keeps keys as long as it is told; this client asks for the first time.
    const tickets = await Promise.all([before, after].map(idToken => client.verifyIdToken({ idToken, audience })));
    const [first, second] = tickets.map(ticket => ticket.getEnvelope().kid);
    assert.notEqual(first, second);
  });
}
