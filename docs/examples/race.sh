#!/usr/bin/env bash
# Two refreshes with the same token at once: both are parked, and the one that came last is let go first. Where a refresh
# replaces the token, the other one is then a reuse, and the whole family dies.
# Usage: race.sh [PATH OF mock-provider]
set -euo pipefail

provider=${1:-target/release/mock-provider}
ready=$(mktemp)
"$provider" --profile rotating >"$ready" &
pid=$!
trap 'kill "$pid"; rm -f "$ready"' EXIT
until grep -q ready "$ready"; do kill -0 "$pid"; done

field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$ready"; }
issuer=$(field issuer) realm=$(field control)/realms/default id=$(field client_id) secret=$(field client_secret)
say() { curl -s "$realm/$1" -H 'content-type: application/json' -d "$2"; echo; }

echo "# a refresh token without a sign-in"
token=$(say seed '{"families": [{}]}' | sed -E 's/.*"label":"rt#1","value":"([^"]*)".*/\1/')
refresh() {
  curl -s -o /dev/null -w "refresh $1: HTTP %{http_code}\n" "$issuer/token" -d grant_type=refresh_token \
    --data-urlencode "refresh_token=$token" -d client_id="$id" -d client_secret="$secret"
}

echo "# two refreshes, parked one after the other"
say holds '{"to": "token", "grant": "refresh_token"}'
refresh first &
first=$!
say parked/wait '{"count": 1}'
refresh second &
second=$!
say parked/wait '{"count": 2}'

echo "# the second goes first"
say release '{"order": [2, 1]}'
wait "$first" "$second"

echo "# the journal knows that they overlapped, and why the first was refused"
say journal/assert '{"of": {"grant": "refresh_token"}, "never_overlapped": true}'
curl -s "$realm/families" | sed -E 's/.*("end":[^}]*}).*/\1/'
echo
