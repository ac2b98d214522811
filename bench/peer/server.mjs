// Starts oauth2-mock-server with one RSA key on a free port of 127.0.0.1, and says where it listens.
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");
console.log(JSON.stringify({ ready: true, base: `http://127.0.0.1:${server.address().port}` }));
