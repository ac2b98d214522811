// id_tokens verified as in a browser, which is where the library asks for JWKs.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { startFake } from './fake.js';
import { idTokenTests } from './id-token-tests.js';

// The library looks for `window.crypto.subtle`.
globalThis.window = globalThis;

const fake = await startFake();
after(() => fake.stop());

idTokenTests(fake);

test('the keys are those of /oauth2/v3/certs', async () => {
  const client = await fake.realm('keys').client();
  const { certs, format } = await client.getFederatedSignonCerts();
  assert.equal(format, 'JWK');
  assert.deepEqual(Object.values(certs).map(key => key.kty), ['RSA']);
});
