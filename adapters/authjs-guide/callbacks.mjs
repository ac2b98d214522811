// The callbacks of https://authjs.dev/guides/refresh-token-rotation (Google, JWT strategy), told anew: the same decisions
// and the same gaps. Nothing is mended here, for the gaps are what the suite is after.

async function jwt({ token, account }) {
  if (account) return firstTokens(token, account);
  if (Date.now() < token.expires_at * 1000) return token;
  if (!token.refresh_token) throw new TypeError('Missing refresh_token');
  try {
    return await refreshed(token);
  } catch (error) {
    console.error('Error refreshing access_token', error);
    token.error = 'RefreshTokenError';
    return token;
  }
}

function firstTokens(token, { access_token, expires_at, refresh_token }) {
  if (!access_token || !expires_at) throw new TypeError('Missing access_token or expires_at');
  return { ...token, access_token, expires_at, refresh_token };
}

async function refreshed(token) {
  const response = await fetch(process.env.TOKEN_ENDPOINT, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      grant_type: 'refresh_token',
      refresh_token: token.refresh_token,
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw answer;
  return {
    ...token,
    access_token: answer.access_token,
    expires_at: Math.floor(Date.now() / 1000 + answer.expires_in),
    refresh_token: answer.refresh_token ? answer.refresh_token : token.refresh_token,
  };
}

async function session({ session, token }) {
  session.error = token.error;
  return session;
}

export const callbacks = { jwt, session };
