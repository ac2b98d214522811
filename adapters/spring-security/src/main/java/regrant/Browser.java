package regrant;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import jakarta.servlet.Filter;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.mock.web.MockHttpSession;
import org.springframework.web.filter.RequestContextFilter;
import org.springframework.web.util.UriComponentsBuilder;

/** A browser with its session, before an application that has no web server. Two tabs are one browser. */
final class Browser {

	private static final URI HOME = URI.create("http://127.0.0.1/");

	private final Filter security;

	private volatile MockHttpSession session = new MockHttpSession();

	/** What the application does with a request that has come through the filters. */
	interface Page {

		Map<String, ?> show(HttpServletRequest request);

	}

	/** What came back: where to go next, if anywhere, and what the page showed, if the request got there. */
	record Visit(String redirect, Map<String, ?> shown) {
	}

	Browser(Filter security) {
		this.security = security;
	}

	/** The same browser after a restart of the server, which has saved its sessions. */
	Browser restored(Filter security) throws IOException, ClassNotFoundException {
		ByteArrayOutputStream saved = new ByteArrayOutputStream();
		new ObjectOutputStream(saved).writeObject(session.serializeState());
		Object state = new ObjectInputStream(new ByteArrayInputStream(saved.toByteArray())).readObject();
		Browser restored = new Browser(security);
		restored.session.deserializeState((Serializable) state);
		return restored;
	}

	/** What the session remembers under a name. */
	Object remembered(String name) {
		return session.getAttribute(name);
	}

	Visit get(String path, Page page) throws ServletException, IOException {
		return send(new MockHttpServletRequest("GET", path), page);
	}

	Visit post(String path, Map<String, String> form) throws ServletException, IOException {
		MockHttpServletRequest request = new MockHttpServletRequest("POST", path);
		request.setParameters(form);
		return send(request, nothing -> Map.of());
	}

	/** Follows the provider's redirects up to the application's own address, and opens that. */
	Visit follow(String address) throws ServletException, IOException, InterruptedException {
		HttpClient client = HttpClient.newHttpClient();
		URI next = URI.create(address);
		while (!next.toString().startsWith(HOME.toString())) {
			var response = client.send(HttpRequest.newBuilder(next).build(), BodyHandlers.discarding());
			next = next.resolve(response.headers().firstValue("location")
				.orElseThrow(() -> new IOException("the authorization page answered " + response.statusCode())));
		}
		MockHttpServletRequest request = new MockHttpServletRequest("GET", next.getPath());
		request.setQueryString(next.getRawQuery());
		UriComponentsBuilder.fromUriString("?" + next.getQuery()).build().getQueryParams()
			.forEach((name, values) -> request.setParameter(name, values.get(0)));
		return send(request, nothing -> Map.of());
	}

	private Visit send(MockHttpServletRequest request, Page page) throws ServletException, IOException {
		request.setServerName(HOME.getHost());
		MockHttpSession sent = session;
		request.setSession(sent);
		MockHttpServletResponse response = new MockHttpServletResponse();
		AtomicReference<Map<String, ?>> shown = new AtomicReference<>();
		new RequestContextFilter().doFilter(request, response, (outer, answer) -> security.doFilter(outer, answer,
				(inner, rest) -> shown.set(page.show((HttpServletRequest) inner))));
		MockHttpSession kept = (MockHttpSession) request.getSession(false);
		if (kept != null && kept != sent) {
			session = kept; // the answer sets a new cookie
		}
		return new Visit(response.getRedirectedUrl(), shown.get());
	}

}
