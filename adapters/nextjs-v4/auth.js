import GoogleProvider from 'next-auth/providers/google';
import { callbacks } from './callbacks';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH_SECRET } = process.env;

export const authOptions = {
  secret: AUTH_SECRET,
  providers: [
    GoogleProvider({
      wellKnown: `${ISSUER}/.well-known/openid-configuration`,
      issuer: ISSUER,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      authorization: { params: { prompt: 'consent', access_type: 'offline', response_type: 'code' } },
    }),
  ],
  callbacks,
};
