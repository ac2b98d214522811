import { getServerSession } from 'next-auth';
import { authOptions } from '../auth';

export async function getServerSideProps({ req, res }) {
  const session = await getServerSession(req, res, authOptions);
  return { props: { session: JSON.stringify(session) } };
}

export default function Page({ session }) {
  return <p id="session">{session}</p>;
}
