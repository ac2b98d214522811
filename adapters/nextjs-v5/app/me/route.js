import { auth } from '../../auth';

// What the page shows, as JSON. Like a page it stands behind the proxy, so that one request reads the session twice.
export async function GET() {
  return Response.json(await auth());
}
