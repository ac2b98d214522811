import { auth } from '../auth';

export default async function Page() {
  const session = await auth();
  return <p id="session">{JSON.stringify(session)}</p>;
}
