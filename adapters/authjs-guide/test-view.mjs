// What the tests see beyond the guide: whose session it is, and with SHOW_ACCESS_TOKEN=1 the token that it stands for.

export const withTestView = ({ jwt, session }) => ({
  // Auth.js puts a random id in place of the provider's, so that the provider's has to be kept.
  async jwt(args) {
    const token = await jwt(args);
    return args.account && token ? { ...token, subject: args.account.providerAccountId } : token;
  },

  async session(args) {
    const seen = await session(args);
    seen.user.id = args.token.subject;
    const shown = process.env.SHOW_ACCESS_TOKEN === '1' && !seen.error;
    return shown ? { ...seen, access_token: args.token.access_token } : seen;
  },
});
