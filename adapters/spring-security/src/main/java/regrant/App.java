package regrant;

import java.sql.SQLException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.h2.jdbcx.JdbcConnectionPool;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.authentication.OAuth2AuthenticationToken;
import org.springframework.security.oauth2.client.web.client.OAuth2ClientHttpRequestInterceptor;
import org.springframework.security.oauth2.client.web.client.RequestAttributeClientRegistrationIdResolver;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.web.WebAttributes;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.client.RestClient;

/** The application: its security is in {@link SecurityConfig}, its one page shows the session. */
final class App implements AutoCloseable {

	/** What the library throws when it has no valid token to give. */
	static final List<String> REFRESH_ERRORS = List.of("ClientAuthorizationException",
			"ClientAuthorizationRequiredException", "OAuth2AuthorizationException", "OAuth2AuthenticationException");

	private static final Log log = LogFactory.getLog(App.class);

	private static final Map<String, ?> SIGNED_OUT = Map.of("session", Map.of("state", "signed_out"));

	private final Provider provider;

	private final Clock clock;

	private final JdbcConnectionPool database;

	private final AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();

	private final Map<String, Browser> browsers = new HashMap<>();

	private final RestClient resources;

	private App(Provider provider, Clock clock, JdbcConnectionPool database) {
		this.provider = provider;
		this.clock = clock;
		this.database = database;
		context.register(SecurityConfig.class);
		context.registerBean(Provider.class, () -> provider);
		context.registerBean(Clock.class, () -> clock);
		context.registerBean(JdbcConnectionPool.class, () -> database, bean -> bean.setDestroyMethodName(""));
		context.refresh();
		OAuth2ClientHttpRequestInterceptor tokens = new OAuth2ClientHttpRequestInterceptor(manager());
		resources = RestClient.builder().requestInterceptor(tokens).build();
	}

	static App started(Provider provider, Clock clock) {
		JdbcConnectionPool database = JdbcConnectionPool.create("jdbc:h2:mem:store;DB_CLOSE_DELAY=-1", "sa", "");
		String schema = "org/springframework/security/oauth2/client/oauth2-client-schema.sql";
		new ResourceDatabasePopulator(new ClassPathResource(schema)).execute(database);
		return new App(provider, clock, database);
	}

	/** A new process: what was in memory is gone; the database stays and the server has saved its sessions, or not. */
	App restarted(boolean keep) throws Exception {
		if (!keep) {
			close();
			return started(provider, clock);
		}
		context.close();
		App next = new App(provider, clock, database);
		Map<Browser, Browser> restored = new HashMap<>();
		for (Browser browser : Set.copyOf(browsers.values())) {
			restored.put(browser, browser.restored(next.security()));
		}
		browsers.forEach((actor, browser) -> next.browsers.put(actor, restored.get(browser)));
		return next;
	}

	@Override
	public void close() throws SQLException {
		context.close();
		try (var connection = database.getConnection(); var statement = connection.createStatement()) {
			statement.execute("SHUTDOWN");
		}
	}

	Map<String, ?> signIn(String actor) throws Exception {
		Browser browser = browser(actor);
		String authorize = browser.get("/oauth2/authorization/google", nothing -> Map.of()).redirect();
		browser.follow(authorize);
		Exception refused = (Exception) browser.remembered(WebAttributes.AUTHENTICATION_EXCEPTION);
		if (refused != null) {
			throw refused;
		}
		return browser.get("/", request -> shown(this::stored)).shown();
	}

	Map<String, ?> session(String actor) throws Exception {
		return browser(actor).get("/", request -> shown(user -> {
			OAuth2AuthorizeRequest wanted = OAuth2AuthorizeRequest.withClientRegistrationId("google").principal(user).build();
			return active(user, manager().authorize(wanted));
		})).shown();
	}

	Map<String, ?> api(String actor, String url) throws Exception {
		return browser(actor).get("/", request -> shown(user -> {
			int status = resources.get()
				.uri(url)
				.attributes(RequestAttributeClientRegistrationIdResolver.clientRegistrationId("google"))
				.exchange((sent, response) -> response.getStatusCode().value());
			Map<String, Object> called = new HashMap<>(stored(user));
			called.put("status", status);
			return called;
		})).shown();
	}

	Map<String, ?> signOut(String actor) throws Exception {
		Browser browser = browser(actor);
		Map<String, ?> form = browser.get("/", App::logoutForm).shown();
		browser.post("/logout", Map.of("_csrf", (String) form.get("_csrf")));
		return browser.get("/", request -> shown(this::stored)).shown();
	}

	private static Map<String, ?> logoutForm(HttpServletRequest request) {
		return Map.of("_csrf", ((CsrfToken) request.getAttribute(CsrfToken.class.getName())).getToken());
	}

	/** What is shown to the user whose request it is, whose token is read or could not be had. */
	private static Map<String, ?> shown(Function<Authentication, Map<String, ?>> read) {
		if (!(SecurityContextHolder.getContext().getAuthentication() instanceof OAuth2AuthenticationToken user)) {
			return SIGNED_OUT;
		}
		try {
			return read.apply(user);
		}
		catch (OAuth2AuthorizationException | OAuth2AuthenticationException refused) {
			log.warn("no token: " + refused.getMessage());
			return Map.of("session", Map.of("state", "active", "subject", user.getName(), "error",
					refused.getClass().getSimpleName()));
		}
	}

	/** What is stored, valid or not. */
	private Map<String, ?> stored(Authentication user) {
		OAuth2AuthorizedClientService clients = context.getBean(OAuth2AuthorizedClientService.class);
		return active(user, clients.loadAuthorizedClient("google", user.getName()));
	}

	private static Map<String, ?> active(Authentication user, OAuth2AuthorizedClient client) {
		Map<String, String> session = new HashMap<>(Map.of("state", "active", "subject", user.getName()));
		if (client != null) {
			session.put("access_token", client.getAccessToken().getTokenValue());
		}
		return Map.of("session", session);
	}

	/** Makes a second actor the same browser as a first. */
	synchronized void share(String of, String actor) {
		browsers.put(actor, browser(of));
	}

	private synchronized Browser browser(String actor) {
		return browsers.computeIfAbsent(actor, first -> new Browser(security()));
	}

	private OAuth2AuthorizedClientManager manager() {
		return context.getBean(OAuth2AuthorizedClientManager.class);
	}

	private Filter security() {
		return context.getBean("springSecurityFilterChain", Filter.class);
	}

}
