// Better Auth as its documentation has it: a database, and one OpenID provider of the generic OAuth plugin.

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { database } from './database.mjs';

const { PORT, ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH_SECRET } = process.env;

export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: AUTH_SECRET,
  database: database(CLIENT_SECRET),
  plugins: [
    genericOAuth({
      config: [
        {
          providerId: 'google',
          discoveryUrl: `${ISSUER}/.well-known/openid-configuration`,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          scopes: ['openid', 'email', 'profile'],
          accessType: 'offline',
          prompt: 'consent',
        },
      ],
    }),
  ],
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
