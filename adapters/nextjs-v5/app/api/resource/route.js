import { authWithToken } from '../../../auth';

// The application's call to an API of the provider, for the user of the session.
export const GET = authWithToken(async (request) => {
  const url = request.nextUrl.searchParams.get('url');
  if (!URL.canParse(url) || new URL(url).origin !== new URL(process.env.ISSUER).origin) {
    return Response.json({ error: 'url has to be one of the provider' }, { status: 400 });
  }
  const session = request.auth;
  if (!session || session.error) return Response.json({ error: session?.error ?? 'signed out' }, { status: 401 });
  const { access_token } = session;
  const called = await fetch(url, {
    headers: { authorization: `Bearer ${access_token}` },
    redirect: 'manual',
    cache: 'no-store',
  });
  await called.text();
  return Response.json({ status: called.status, access_token });
});
