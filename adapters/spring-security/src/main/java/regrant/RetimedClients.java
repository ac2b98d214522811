package regrant;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.core.OAuth2AccessToken;

/**
 * Saves a token's issue and end on the clock of the test. The library reads both off the machine's clock, which no setting
 * replaces, when the token's answer comes.
 */
record RetimedClients(OAuth2AuthorizedClientService store, Clock clock) implements OAuth2AuthorizedClientService {

	@Override
	public void saveAuthorizedClient(OAuth2AuthorizedClient client, Authentication principal) {
		OAuth2AccessToken token = client.getAccessToken();
		Instant now = clock.instant();
		Duration lifetime = Duration.between(token.getIssuedAt(), token.getExpiresAt());
		OAuth2AccessToken retimed = new OAuth2AccessToken(token.getTokenType(), token.getTokenValue(), now,
				now.plus(lifetime), token.getScopes());
		store.saveAuthorizedClient(new OAuth2AuthorizedClient(client.getClientRegistration(), client.getPrincipalName(),
				retimed, client.getRefreshToken()), principal);
	}

	@Override
	public <T extends OAuth2AuthorizedClient> T loadAuthorizedClient(String registration, String principal) {
		return store.loadAuthorizedClient(registration, principal);
	}

	@Override
	public void removeAuthorizedClient(String registration, String principal) {
		store.removeAuthorizedClient(registration, principal);
	}

}
