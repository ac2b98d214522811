export { auth as proxy } from './auth';

// As the documentation of Auth.js has it: every page, and not the API.
export const config = { matcher: ['/((?!api|_next/static|_next/image|favicon.ico).*)'] };
