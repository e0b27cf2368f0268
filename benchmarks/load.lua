-- What wrk runs: counts wrong answers where it is asked to look, prints the result as JSON.
--
--   wrk -s load.lua URL -- [STATUS BODY]
--
-- With BODY every response is compared with it, which costs the load generator time: that is for
-- the warm-up. A STATUS other than 200 must come with any other body. Without, wrk still counts what
-- is not 2xx or 3xx.

local threads = {}
wrong = 0

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   local wanted, expected = tonumber(arguments[1]), arguments[2]
   if wanted then
      response = function(status, headers, body)
         if status ~= wanted or (body == expected) ~= (wanted == 200) then
            wrong = wrong + 1
         end
      end
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   local found = 0
   for _, thread in ipairs(threads) do
      found = found + thread:get("wrong")
   end
   local line = '{"requests": %d, "microseconds": %d, "bytes": %d, "wrong": %d, "status": %d,'
      .. ' "connect": %d, "read": %d, "write": %d, "timeout": %d, "p50": %.1f, "p99": %.1f}\n'
   io.write(line:format(summary.requests, summary.duration, summary.bytes, found, errors.status,
      errors.connect, errors.read, errors.write, errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
