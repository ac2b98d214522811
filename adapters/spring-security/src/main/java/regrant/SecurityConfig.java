package regrant;

import java.time.Clock;
import java.util.Map;

import javax.sql.DataSource;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.oauth2.client.CommonOAuth2Provider;
import org.springframework.security.oauth2.client.JdbcOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.RefreshTokenOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenDecoderFactory;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenValidator;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.AuthenticatedPrincipalOAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoderFactory;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.web.SecurityFilterChain;

/** The application's security, as the reference of Spring Security configures it. */
@Configuration
@EnableWebSecurity
class SecurityConfig {

	@Bean
	SecurityFilterChain filterChain(HttpSecurity http, ClientRegistrationRepository registrations) throws Exception {
		DefaultOAuth2AuthorizationRequestResolver resolver = new DefaultOAuth2AuthorizationRequestResolver(registrations);
		resolver.setAuthorizationRequestCustomizer(request -> request.additionalParameters(
				parameters -> parameters.putAll(Map.of("access_type", "offline", "prompt", "consent"))));
		return http.authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
			.oauth2Login(login -> login.authorizationEndpoint(endpoint -> endpoint.authorizationRequestResolver(resolver)))
			.build();
	}

	@Bean
	ClientRegistrationRepository clientRegistrationRepository(Provider provider) {
		return new InMemoryClientRegistrationRepository(CommonOAuth2Provider.GOOGLE.getBuilder("google")
			.clientId(provider.clientId())
			.clientSecret(provider.clientSecret())
			.scope(provider.scopes())
			.issuerUri(provider.issuer())
			.authorizationUri(provider.authorization())
			.tokenUri(provider.token())
			.jwkSetUri(provider.jwks())
			.userInfoUri(provider.userinfo())
			.build());
	}

	@Bean
	OAuth2AuthorizedClientService authorizedClientService(DataSource database, ClientRegistrationRepository registrations,
			Clock clock) {
		return new RetimedClients(new JdbcOAuth2AuthorizedClientService(new JdbcTemplate(database), registrations), clock);
	}

	@Bean
	OAuth2AuthorizedClientRepository authorizedClientRepository(OAuth2AuthorizedClientService clients) {
		return new AuthenticatedPrincipalOAuth2AuthorizedClientRepository(clients);
	}

	@Bean
	RefreshTokenOAuth2AuthorizedClientProvider refreshTokenProvider(Clock clock) {
		RefreshTokenOAuth2AuthorizedClientProvider provider = new RefreshTokenOAuth2AuthorizedClientProvider();
		provider.setClock(clock);
		return provider;
	}

	@Bean
	JwtDecoderFactory<ClientRegistration> idTokenDecoderFactory(Clock clock) {
		OidcIdTokenDecoderFactory factory = new OidcIdTokenDecoderFactory();
		factory.setJwtValidatorFactory(registration -> validator(registration, clock));
		return factory;
	}

	/** The library's default, on another clock. */
	private static OAuth2TokenValidator<Jwt> validator(ClientRegistration registration, Clock clock) {
		JwtTimestampValidator timestamps = new JwtTimestampValidator();
		timestamps.setClock(clock);
		OidcIdTokenValidator idToken = new OidcIdTokenValidator(registration);
		idToken.setClock(clock);
		return JwtValidators.createDefaultWithValidators(timestamps, idToken);
	}

}
