import NextAuth from 'next-auth';
import Google from 'next-auth/providers/google';
import { callbacks } from '../authjs-guide/callbacks.mjs';
import { withTestView } from '../authjs-guide/test-view.mjs';

const config = {
  session: { strategy: 'jwt' },
  providers: [
    Google({
      issuer: process.env.ISSUER,
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      authorization: { params: { access_type: 'offline', prompt: 'consent' } },
    }),
  ],
  callbacks: withTestView(callbacks),
};

export const { handlers, auth } = NextAuth(config);

// For the server alone: the session with the access token in it.
export const { auth: authWithToken } = NextAuth({
  ...config,
  callbacks: {
    ...config.callbacks,
    session: async (args) => ({ ...(await config.callbacks.session(args)), access_token: args.token.access_token }),
  },
});
