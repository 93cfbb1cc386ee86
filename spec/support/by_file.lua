--- busted's plainTerminal, a line for each file: when a run hangs or is cut off, its last line
--- says where.
local plain = require "busted.outputHandlers.plainTerminal"
local now_s = require "spec.support.monotonic"

return function(options)
  local busted = require "busted"
  local handler = plain(options)
  local subscribe, began_s = handler.subscribe, nil

  function handler.subscribe(...)
    subscribe(...)
    busted.subscribe({ "file", "start" }, function(file)
      began_s = now_s()
      io.write(file.name, " ")
      io.flush()
      return nil, true
    end)
    busted.subscribe({ "file", "end" }, function()
      io.write((" %.1f s\n"):format(now_s() - began_s))
      return nil, true
    end)
  end

  return handler
end
