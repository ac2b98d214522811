#!/usr/bin/env bash
# A service account buys an access token: its key file comes from the control API, openssl signs the assertion.
# Usage: service-account.sh [PATH OF mock-provider]
set -euo pipefail

provider=${1:-target/release/mock-provider}
work=$(mktemp -d)
"$provider" >"$work/ready" &
pid=$!
trap 'kill "$pid"; rm -rf "$work"' EXIT
until grep -q ready "$work/ready"; do kill -0 "$pid"; done

field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$2"; }
curl -s "$(field control "$work/ready")/realms/default/service_accounts" >"$work/keys.json"
email=$(field client_email "$work/keys.json") url=$(field token_uri "$work/keys.json")
printf '%b' "$(field private_key "$work/keys.json")" >"$work/key.pem"

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
header=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url)
claims=$(printf '{"iss":"%s","scope":"https://www.googleapis.com/auth/cloud-platform","aud":"%s","iat":%d,"exp":%d}' \
  "$email" "$url" "$now" "$((now + 3600))" | base64url)
signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign "$work/key.pem" | base64url)

echo "# $email asks at $url"
curl -s "$url" -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d "assertion=$header.$claims.$signature" | cut -c1-72
