package regrant;

import java.util.List;

import tools.jackson.databind.JsonNode;

/** Where the provider is, who the application is to it, and what it asks for. */
record Provider(String issuer, String authorization, String token, String jwks, String userinfo, String clientId,
		String clientSecret, List<String> scopes) {

	static Provider of(JsonNode start) {
		JsonNode provider = start.get("provider");
		JsonNode endpoints = provider.get("endpoints");
		JsonNode client = provider.get("client");
		return new Provider(provider.get("issuer").asString(), endpoints.get("authorization").asString(),
				endpoints.get("token").asString(), endpoints.get("jwks").asString(), endpoints.get("userinfo").asString(),
				client.get("id").asString(), client.get("secret").asString(),
				start.get("scopes").valueStream().map(JsonNode::asString).toList());
	}

}
