#!/usr/bin/env bash
# Signs in at the fake Google, refreshes, takes the grant back through the control API, and refreshes again.
# Usage: revoke-and-refresh.sh [PATH OF mock-provider]
set -euo pipefail

provider=${1:-target/release/mock-provider}
ready=$(mktemp)
"$provider" >"$ready" &
pid=$!
trap 'kill "$pid"; rm -f "$ready"' EXIT
until grep -q ready "$ready"; do kill -0 "$pid"; done

field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$ready"; }
issuer=$(field issuer) control=$(field control) id=$(field client_id) secret=$(field client_secret)
here=http://127.0.0.1/callback

echo "# sign in: the authorize endpoint approves at once and redirects back with a code"
callback=$(curl -s -o /dev/null -w '%{redirect_url}' -G "$issuer/o/oauth2/v2/auth" \
  -d client_id="$id" -d response_type=code -d access_type=offline -d prompt=consent \
  --data-urlencode 'scope=openid email' --data-urlencode "redirect_uri=$here")
code=$(sed -E 's/.*[?&]code=([^&]*).*/\1/' <<<"$callback")
tokens=$(curl -s "$issuer/token" -d grant_type=authorization_code -d "code=$code" \
  -d client_id="$id" -d client_secret="$secret" --data-urlencode "redirect_uri=$here")
cut -c1-72 <<<"$tokens"

refresh_token=$(sed -nE 's/.*"refresh_token": "([^"]*)".*/\1/p' <<<"$tokens")
refresh() {
  curl -s -w '\nHTTP %{http_code}\n' "$issuer/token" -d grant_type=refresh_token \
    --data-urlencode "refresh_token=$refresh_token" -d client_id="$id" -d client_secret="$secret" | cut -c1-72
}

echo "# refresh: Google gives a new access token and no new refresh token"
refresh

echo "# the user takes the grant back"
curl -s "$control/realms/default/revoke" -H 'content-type: application/json' -d '{"token": "rt#1"}'

echo
echo "# refresh: Google's own error"
refresh
