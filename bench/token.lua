-- One refresh for wrk to repeat, and the figures of a run as one line of JSON.
--
-- TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET and TOKEN_REFRESH_TOKEN are environment variables, so that no secret stands in
-- the list of processes. The request is made once: a call into Lua for each request or answer would cost as much as a
-- fast server's answer, and so bring all servers closer together. Hence no response(): wrk itself counts statuses from
-- 400 on, nothing that is measured redirects, and the caller looks at one answer and compares its length with
-- the average.

local function encoded(text)
  return (text:gsub("[^%w%-._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

local function field(name, variable)
  local value = os.getenv(variable)
  if not value or value == "" then error(variable .. " is not set") end
  return name .. "=" .. encoded(value)
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = table.concat({
  "grant_type=refresh_token",
  field("client_id", "TOKEN_CLIENT_ID"),
  field("client_secret", "TOKEN_CLIENT_SECRET"),
  field("refresh_token", "TOKEN_REFRESH_TOKEN"),
}, "&")

-- summary.duration and latencies are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"rps":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"bytes":%d,"not_200":%d,"broken":%d,"timeouts":%d}\n',
    summary.requests, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.bytes,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
