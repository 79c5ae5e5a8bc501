-- Sends requests prepared in a file (NUL between them) in turn, and prints every thousandth of the latencies.
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for request in file:read("*a"):gmatch("%Z+") do requests[#requests + 1] = request end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format("measured %d %d %d", summary.duration, summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  for thousandth = 1, 1000 do io.write(string.format(" %d", latency:percentile(thousandth / 10))) end
  io.write("\n")
end
