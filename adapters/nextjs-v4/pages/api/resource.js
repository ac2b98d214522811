import { getServerSession } from 'next-auth';
import { authOptions } from '../../auth';

// The application's call to an API of the provider, for the user of the session.
export default async function handler(request, response) {
  const { url } = request.query;
  if (!URL.canParse(url) || new URL(url).origin !== new URL(process.env.ISSUER).origin) {
    return response.status(400).json({ error: 'url has to be one of the provider' });
  }
  const session = await getServerSession(request, response, authOptions);
  if (!session || session.error) return response.status(401).json({ error: session?.error ?? 'signed out' });
  const access_token = session.accessToken;
  const called = await fetch(url, { headers: { authorization: `Bearer ${access_token}` }, redirect: 'manual' });
  await called.text();
  return response.json({ status: called.status, access_token });
}
