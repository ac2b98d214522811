//! The reference OAuth client of Regrant: keeps users signed in with refresh tokens, and says so honestly when it cannot.
//!
//! It has the two callbacks known from Auth.js / NextAuth. The **jwt callback** ([`Callbacks::jwt`]) keeps the tokens of a
//! sign-in, returns a token that is still valid unchanged, and refreshes an expired one; a refresh that fails puts
//! [`SessionError::RefreshTokenError`] on the token, and the next good one takes it off. The **session callback**
//! ([`Callbacks::session`]) copies that error to where the front end sees it.
//!
//! Deciding is apart from doing: [`decision`] and [`token_answer`] are pure; [`Transport`] is the only way out, and
//! [`ReqwestTransport`] its only real implementation; [`Clock`] and [`Entropy`] are arguments. Deliberately absent: any
//! tie to the provider's code, so that one mistake cannot hide on both sides.
//!
//! Between two reads the browser keeps everything: [`SealedCookie`] encrypts it as Auth.js does. `client-core/webapp` is an
//! application made of all this.

mod auth;
mod callbacks;
mod config;
mod cookie_pieces;
pub mod decision;
mod discovery;
mod entropy;
mod flight;
mod http_types;
mod id_token;
mod jwe;
mod refresher;
mod reqwest_transport;
mod sealed_cookie;
mod secret;
mod sign_in;
mod time;
pub mod token_answer;
mod types;

pub use auth::{Auth, AuthParts, CookieChange, SESSION_LIFETIME, SessionCookie, SessionRead, SignInError};
pub use callbacks::{CallbackError, Callbacks, JwtTrigger, RefreshingCallbacks};
pub use config::{BadEndpoint, ClientConfig, EndpointUrl};
pub use cookie_pieces::{CookieWrite, PIECE};
pub use discovery::{Discovered, DiscoveryError, discover};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use flight::{Coordinator, Flights, GrantKey, Memory, Outcome, Start};
pub use http_types::{HttpRequest, HttpResponse, Transport, TransportError};
pub use id_token::{Claims, Expected, IdTokenError, IdTokenVerifier, JwksVerifier};
pub use jwe::Unopened;
pub use refresher::{Refresher, refresh_request};
pub use reqwest_transport::{Limits, ReqwestTransport, SetupError};
pub use sealed_cookie::{BadSecrets, CookieRefused, NotSealed, Opened, SealedCookie, SealingSecrets};
pub use secret::{
    AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, IdToken, RefreshToken, SealingSecret, Unguessable,
};
pub use sign_in::{CallbackRefused, PendingSignIn, ValidatedCallback};
pub use time::{Clock, ManualClock, SystemClock, UnixMillis, UnixSeconds};
pub use types::{Account, BackOff, Jwt, Profile, Session, SessionError, SessionId};
