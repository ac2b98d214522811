// An adapter in one file, run as it stands: the remote control, a tiny application, and a little JSON.
//
// REPLACE: the class Application, by what your own application does with its library.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Lets Regrant drive the application: one JSON object a line comes in, one goes out. Little of this has to change. */
class Adapter {
    static final Map<String, Object> HELLO = Map.of(
        "protocol", 1,
        "adapter", "my-adapter 1.0.0",
        // REPLACE: what is tested, as it shall be called in reports.
        "target", Map.of("name", "my-application", "version", "0.0.0", "language", "Java"),
        // REPLACE: leave out what your application cannot do, add what it can. What is not claimed is not judged.
        "claims", List.of("sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent",
            "refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs"),
        // REPLACE: the names by which your application says that a refresh has failed.
        "errors", Map.of("RefreshTokenError", List.of("RefreshError")));

    /** The browser of an actor; two tabs are one browser. */
    static class Browser {
        volatile Application.User user;
    }

    /** The application's clock. REPLACE: give it to your library in place of the system's. */
    static class SetClock extends Clock {
        volatile Instant set;

        @Override public Instant instant() { return set == null ? Instant.now() : set; }
        @Override public ZoneId getZone() { return ZoneOffset.UTC; }
        @Override public Clock withZone(ZoneId zone) { return this; }
    }

    final SetClock clock = new SetClock();
    final Map<String, Browser> browsers = new ConcurrentHashMap<>();
    Map<String, Object> begun;
    volatile Application application;

    Browser browser(Object actor) {
        return browsers.computeIfAbsent(actor.toString(), name -> new Browser());
    }

    Application newApplication() {
        return new Application(Json.map(begun.get("provider")), (List<?>) begun.get("scopes"), clock);
    }

    static Instant instant(Map<String, Object> request) {
        return Instant.ofEpochMilli((Long) request.get("now_ms"));
    }

    /** What makes and moves the application. */
    Map<String, Object> arrange(Map<String, Object> request) {
        switch ((String) request.get("regrant")) {
            case "hello" -> {
                return HELLO;
            }
            case "start" -> {
                begun = request;
                clock.set = "set".equals(request.get("clock")) ? instant(request) : null;
                browsers.clear();
                application = newApplication();
            }
            case "clock" -> {
                if (clock.set != null) clock.set = instant(request);
                return Map.of("now_ms", clock.millis());
            }
            case "second" -> {
                if (!"tab".equals(request.get("kind"))) throw new UnsupportedOperationException();
                browsers.put((String) request.get("actor"), browser(request.get("of")));
            }
            case "restart" -> {
                // REPLACE: throw your library's objects away, and make them anew from what the application has stored.
                application = newApplication();
                for (Browser browser : browsers.values()) {
                    boolean keep = browser.user != null && "store".equals(request.get("keep"));
                    String stored = keep ? Json.write(browser.user.saved) : null;
                    browser.user = keep ? new Application.User(Json.map(Json.read(stored))) : null;
                }
            }
            case "logs" -> {
                return Map.of("lines", List.of()); // All that is printed to stderr is read anyway.
            }
            case "stop" -> {
                application = null;
                browsers.clear();
            }
            default -> throw new UnsupportedOperationException();
        }
        return Map.of();
    }

    /** What users do. */
    static Map<String, Object> use(Application application, Browser browser, Map<String, Object> request)
            throws Exception {
        String verb = (String) request.get("regrant");
        if (verb.equals("sign_in")) browser.user = application.signIn();
        if (verb.equals("sign_out")) browser.user = null;
        Application.User user = browser.user;
        if (user == null) return Map.of("session", Map.of("state", "signed_out"));
        String subject = (String) user.saved.get("subject");
        try {
            String accessToken = application.accessToken(user);
            Map<String, Object> session = Map.of("state", "active", "subject", subject, "access_token", accessToken);
            if (!verb.equals("api")) return Map.of("session", session);
            return Map.of("session", session, "status", application.api(accessToken, (String) request.get("url")));
        } catch (Application.RefreshError error) {
            return Map.of("session", Map.of("state", "active", "subject", subject, "error", "RefreshError"));
        }
    }

    interface Work {
        Map<String, Object> go() throws Exception;
    }

    static void answer(Object id, String failure, Work work) {
        Map<String, Object> answer = new HashMap<>(Map.of("regrant", "answer", "id", id));
        try {
            answer.put("ok", work.go());
        } catch (UnsupportedOperationException error) {
            answer.put("no", Map.of("reason", "unsupported"));
        } catch (Exception error) {
            answer.put(failure, Map.of("message", error.toString()));
        }
        System.out.print(Json.write(answer) + "\n"); // One call: threads do not mix their lines.
        System.out.flush();
    }

    public static void main(String[] arguments) throws IOException {
        Adapter adapter = new Adapter();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Map<String, Object> request = Json.map(Json.read(line));
            Object id = request.get("id");
            if (!List.of("sign_in", "session", "api", "sign_out").contains(request.get("regrant"))) {
                answer(id, "broken", () -> adapter.arrange(request));
                continue;
            }
            // No request waits for the one before. An error is the application's own.
            Application application = adapter.application;
            Browser browser = adapter.browser(request.get("actor"));
            Thread thread = new Thread(() -> answer(id, "threw", () -> use(application, browser, request)));
            thread.setDaemon(true);
            thread.start();
        }
    }
}

/** Signs users in and keeps their tokens fresh. REPLACE: by what your application does with its library. */
class Application {
    static final String REDIRECT_URI = "http://127.0.0.1/callback"; // Nothing has to listen there.
    static final SecureRandom RANDOM = new SecureRandom();
    static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    /** How this application says that a refresh has failed. REPLACE: by your library's own error. */
    @SuppressWarnings("serial")
    static class RefreshError extends Exception {
        RefreshError(Throwable cause) { super("the refresh has failed", cause); }
    }

    /** Somebody who has signed in. REPLACE: `saved` by what your application stores, as its library gives it. */
    static class User {
        volatile Map<String, Object> saved;

        User(Map<String, Object> saved) { this.saved = saved; }
    }

    final HttpClient http = HttpClient.newHttpClient(); // It does not follow redirects.
    final Map<String, Object> endpoints, client;
    final List<?> scopes;
    final Clock clock;

    Application(Map<String, Object> provider, List<?> scopes, Clock clock) {
        this.endpoints = Json.map(provider.get("endpoints"));
        this.client = Json.map(provider.get("client"));
        this.scopes = scopes;
        this.clock = clock;
    }

    User signIn() throws Exception {
        // REPLACE: the URL, the check of `state` and the exchange of the code, by your library's calls.
        String state = random(), verifier = random();
        byte[] challenge = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
        String query = form(Map.of("response_type", "code", "client_id", client.get("id"), "redirect_uri", REDIRECT_URI,
            "scope", scopes.stream().map(Object::toString).collect(Collectors.joining(" ")), "state", state,
            "code_challenge", BASE64.encodeToString(challenge), "code_challenge_method", "S256",
            "access_type", "offline", "prompt", "consent"));
        // This is the browser. The fake Google asks nothing and sends it back at once.
        URI page = URI.create(endpoints.get("authorization") + "?" + query);
        URI callback = URI.create(send(HttpRequest.newBuilder(page)).headers().firstValue("location").orElseThrow());
        Map<String, String> back = Arrays.stream(callback.getRawQuery().split("&"))
            .map(pair -> pair.split("=", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
        if (!state.equals(back.get("state")) || !back.containsKey("code")) {
            throw new IllegalStateException("the sign-in was refused: " + back.getOrDefault("error", "wrong state"));
        }
        return new User(tokens(Map.of(), Map.of("grant_type", "authorization_code", "code", back.get("code"),
            "code_verifier", verifier, "redirect_uri", REDIRECT_URI)));
    }

    String accessToken(User user) throws RefreshError {
        // REPLACE: by your library's call for a valid access token.
        synchronized (user) { // Of several requests at once only the first refreshes.
            if (clock.millis() >= (Long) user.saved.get("expires_at")) {
                Object refreshToken = user.saved.get("refresh_token");
                if (refreshToken == null) throw new RefreshError(null);
                var form = Map.of("grant_type", "refresh_token", "refresh_token", refreshToken);
                try {
                    user.saved = tokens(user.saved, form);
                } catch (Exception error) {
                    throw new RefreshError(error);
                }
            }
            return (String) user.saved.get("access_token");
        }
    }

    int api(String accessToken, String url) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + accessToken);
        return send(request).statusCode();
    }

    /** Asks the token endpoint, and gives what is to be stored from now on. */
    Map<String, Object> tokens(Map<String, Object> saved, Map<String, Object> asked) throws Exception {
        Map<String, Object> all = new HashMap<>(asked);
        all.put("client_id", client.get("id"));
        all.put("client_secret", client.get("secret"));
        HttpResponse<String> response = send(HttpRequest.newBuilder(URI.create((String) endpoints.get("token")))
            .header("Content-Type", "application/x-www-form-urlencoded").POST(BodyPublishers.ofString(form(all))));
        Map<String, Object> answer = Json.map(Json.read(response.body()));
        String accessToken = text(answer.get("access_token")), refreshToken = text(answer.get("refresh_token"));
        boolean bearer = "bearer".equalsIgnoreCase(text(answer.get("token_type")));
        if (response.statusCode() != 200 || accessToken == null || !bearer) {
            throw new IOException("the token endpoint answered " + response.statusCode());
        }
        Map<String, Object> stored = new HashMap<>(saved);
        stored.put("access_token", accessToken);
        long expiresIn = ((Number) answer.getOrDefault("expires_in", 3600)).longValue();
        stored.put("expires_at", clock.millis() + 1000 * expiresIn);
        if (refreshToken != null) stored.put("refresh_token", refreshToken); // It is often left out.
        if (!stored.containsKey("subject")) stored.put("subject", subject(text(answer.get("id_token"))));
        return stored;
    }

    /** It came straight from the provider, so the signature need not be checked (OpenID Connect Core, 3.1.3.7). */
    static String subject(String idToken) {
        byte[] payload = Base64.getUrlDecoder().decode(idToken.split("\\.")[1]);
        return (String) Json.map(Json.read(new String(payload, StandardCharsets.UTF_8))).get("sub");
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return http.send(request.timeout(Duration.ofSeconds(5)).build(), BodyHandlers.ofString());
    }

    static String form(Map<String, Object> pairs) {
        return pairs.entrySet().stream()
            .map(pair -> pair.getKey() + "=" + URLEncoder.encode(pair.getValue().toString(), StandardCharsets.UTF_8))
            .collect(Collectors.joining("&"));
    }

    static String text(Object value) {
        return value instanceof String text && !text.isEmpty() ? text : null;
    }

    static String random() {
        byte[] bytes = new byte[48];
        RANDOM.nextBytes(bytes);
        return BASE64.encodeToString(bytes);
    }
}

/** As much JSON as this needs: objects are maps, numbers are Long or Double. */
class Json {
    private final String text;
    private int at;

    private Json(String text) { this.text = text; }

    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value();
        if (json.peek() != 0) throw new IllegalArgumentException("not JSON: something comes after it");
        return value;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(Object value) {
        if (value instanceof Map) return (Map<String, Object>) value;
        throw new IllegalArgumentException("a JSON object was expected");
    }

    private char peek() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
        return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean take(char expected) {
        if (peek() != expected) return false;
        at++;
        return true;
    }

    private void need(boolean good) {
        if (!good) throw new IllegalArgumentException("not JSON, at character " + at);
    }

    private Object value() {
        if (take('{')) {
            Map<String, Object> map = new HashMap<>();
            while (!take('}')) {
                need(map.isEmpty() || take(','));
                need(take('"'));
                String name = string();
                need(take(':'));
                map.put(name, value());
            }
            return map;
        }
        if (take('[')) {
            List<Object> list = new ArrayList<>();
            while (!take(']')) {
                need(list.isEmpty() || take(','));
                list.add(value());
            }
            return list;
        }
        if (take('"')) return string();
        peek();
        int from = at;
        while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) at++;
        String word = text.substring(from, at);
        switch (word) {
            case "true": return true;
            case "false": return false;
            case "null": return null;
            default:
        }
        need(word.matches("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?"));
        return word.matches("-?[0-9]{1,18}") ? (Object) Long.valueOf(word) : Double.valueOf(word);
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        while (true) {
            need(at < text.length());
            char next = text.charAt(at++);
            if (next == '"') return out.toString();
            if (next != '\\') {
                out.append(next);
                continue;
            }
            need(at < text.length());
            char escape = text.charAt(at++);
            if (escape == 'u') {
                need(at + 4 <= text.length());
                out.append((char) Integer.parseInt(text.substring(at, at += 4), 16));
            } else {
                int place = "\"\\/bfnrt".indexOf(escape);
                need(place >= 0);
                out.append("\"\\/\b\f\n\r\t".charAt(place));
            }
        }
    }

    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(pair -> write(pair.getKey()) + ":" + write(pair.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
        }
        if (!(value instanceof String text)) return String.valueOf(value);
        StringBuilder out = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            boolean plain = one >= ' ' && one < 127 && one != '"' && one != '\\';
            out.append(plain ? String.valueOf(one) : String.format("\\u%04x", (int) one));
        }
        return out.append('"').toString();
    }
}
