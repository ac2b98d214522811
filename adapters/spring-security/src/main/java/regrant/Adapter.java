package regrant;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.springframework.security.core.SpringSecurityCoreVersion;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The protocol: requests from standard input to the application, and its answers to standard output. */
public final class Adapter {

	private static final List<String> CLAIMS = List.of("sign_in", "sign_out", "session.error", "session.access_token",
			"session.concurrent", "session.cancel", "refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart",
			"id_token", "logs");

	private static final Set<String> BESIDE = Set.of("sign_in", "session", "api", "sign_out");

	private final JsonMapper json = new JsonMapper();

	private final PrintStream out;

	private final Set<Long> owed = ConcurrentHashMap.newKeySet();

	private final SettableClock clock = new SettableClock();

	private final ExecutorService workers = Executors.newCachedThreadPool(work -> {
		Thread thread = new Thread(work);
		thread.setDaemon(true);
		return thread;
	});

	private App app;

	private Adapter(PrintStream out) {
		this.out = out;
	}

	public static void main(String[] arguments) throws IOException {
		Adapter adapter = new Adapter(new PrintStream(System.out, true, StandardCharsets.UTF_8));
		BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line = lines.readLine(); line != null; line = lines.readLine()) {
			adapter.take(adapter.json.readTree(line));
		}
		System.exit(0);
	}

	/** What only moves the application's surroundings is done at once; the application works beside it. */
	private void take(JsonNode request) {
		App current = app;
		owed.add(request.get("id").asLong());
		if (BESIDE.contains(request.get("regrant").asString())) {
			workers.execute(() -> run(request, current));
		}
		else {
			run(request, current);
		}
	}

	private void run(JsonNode request, App current) {
		long id = request.get("id").asLong();
		try {
			answer(id, "ok", carryOut(request, current));
		}
		catch (Unsupported no) {
			answer(id, "no", Map.of("reason", no.getMessage()));
		}
		catch (Throwable thrown) {
			answer(id, "threw", Map.of("message", thrown.toString()));
		}
	}

	private Map<String, ?> carryOut(JsonNode request, App current) throws Exception {
		String actor = request.path("actor").asString("");
		switch (request.get("regrant").asString()) {
			case "hello":
				return hello();
			case "start":
				clock.set("set".equals(request.path("clock").asString("set")) ? instant(request) : null);
				app = App.started(Provider.of(request), clock);
				return Map.of();
			case "clock":
				clock.set(instant(request));
				return Map.of("now_ms", clock.millis());
			case "sign_in":
				return current.signIn(actor);
			case "session":
				return current.session(actor);
			case "api":
				return current.api(actor, request.get("url").asString());
			case "sign_out":
				return current.signOut(actor);
			case "second":
				if (!request.get("kind").asString().equals("tab")) {
					throw new Unsupported("there are no cookies to copy");
				}
				current.share(request.get("of").asString(), actor);
				return Map.of();
			case "cancel":
				// As in a web server whose client hangs up: nobody waits any more, and the request runs to its end.
				answer(request.get("of").asLong(), "ok", Map.of());
				return Map.of();
			case "restart":
				app = current.restarted(request.get("keep").asString().equals("store"));
				return Map.of();
			case "logs":
				return Map.of("lines", List.of()); // they are on standard error
			case "stop":
				current.close();
				app = null;
				return Map.of();
			default:
				throw new Unsupported("no such verb");
		}
	}

	private static Instant instant(JsonNode request) {
		return Instant.ofEpochMilli(request.get("now_ms").asLong());
	}

	private static Map<String, ?> hello() {
		return Map.of("protocol", 1, "adapter", "spring-security 1", "claims", CLAIMS,
				"target", Map.of("name", "Spring Security", "version", SpringSecurityCoreVersion.getVersion(),
						"language", "Java", "homepage", "https://spring.io/projects/spring-security"),
				"errors", Map.of("RefreshTokenError", App.REFRESH_ERRORS));
	}

	/** Writes one line, unless the request has been answered by a cancel. */
	private void answer(long id, String kind, Map<String, ?> members) {
		if (owed.remove(id)) {
			String text = json.writeValueAsString(members);
			out.println("{\"regrant\":\"answer\",\"id\":" + id + ",\"" + kind + "\":" + text + "}");
		}
	}

	/** Becomes the answer `no`. */
	private static final class Unsupported extends RuntimeException {

		Unsupported(String reason) {
			super(reason);
		}

	}

}
