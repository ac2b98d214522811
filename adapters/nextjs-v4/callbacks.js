// The callbacks of the tutorial for next-auth v4 (https://github.com/nextauthjs/next-auth/pull/5863 for its arithmetic), told anew:
// the same decisions and the same gaps, above all the credentials in the query of the refresh request.

const { TOKEN_ENDPOINT, CLIENT_ID, CLIENT_SECRET } = process.env;

async function refreshed(token) {
  try {
    const fields = {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_type: 'refresh_token',
      refresh_token: token.refreshToken,
    };
    const response = await fetch(`${TOKEN_ENDPOINT}?${new URLSearchParams(fields)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    const answer = await response.json();
    if (!response.ok) throw answer;
    return {
      ...token,
      accessToken: answer.access_token,
      accessTokenExpires: Date.now() + answer.expires_in * 1000,
      refreshToken: answer.refresh_token ?? token.refreshToken,
    };
  } catch (error) {
    console.log(error);
    return { ...token, error: 'RefreshAccessTokenError' };
  }
}

async function jwt({ token, user, account }) {
  if (account && user) {
    return {
      accessToken: account.access_token,
      accessTokenExpires: account.expires_at * 1000,
      refreshToken: account.refresh_token,
      user,
    };
  }
  return Date.now() < token.accessTokenExpires ? token : refreshed(token);
}

async function session({ session, token }) {
  session.user = token.user;
  session.accessToken = token.accessToken;
  session.error = token.error;
  return session;
}

export const callbacks = { jwt, session };
