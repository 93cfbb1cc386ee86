--- Who may include what. The tables below are the rule; a new entry needs a reason.

-- library header -> the files that may include it, each with its reason
local RESERVED = {
  ["libwebsockets.h"] = { ["core/ws_state.h"] = "for the ws files, the only ones to know it" },
  ["curl/curl.h"] = { ["core/fetch_state.h"] = "for the fetch files, the only ones to know it" },
  ["uv.h"] = {
    ["core/loop.h"] = "a thread's loop is one",
    ["core/listen.h"] = "the acceptor waits on the loop",
    ["core/greet.h"] = "waits on the loop for what a proxy says",
    ["bindings/signals.h"] = "is given the logic thread's loop",
    ["core/gate.h"] = "main and watch put handles of their own on the logic thread's loop",
    ["core/ws.h"] = "lws is given the loop of its thread",
  },
  ["openssl/err.h"] = {
    ["core/tls.c"] = "the only file of the server that does TLS",
    ["core/public_key.c"] = "leaves no errors behind",
    ["core/signature.c"] = "leaves no errors behind",
    ["bench/tunnel.c"] = "the only file of the load generator that does",
  },
  ["openssl/evp.h"] = {
    ["core/tls.c"] = "the key",
    ["core/crypto.c"] = "digests",
    ["core/public_key.c"] = "keys",
    ["core/signature.c"] = "signatures by them",
  },
  ["openssl/pem.h"] = {
    ["core/tls.c"] = "reads both",
    ["core/public_key.c"] = "reads and writes keys",
    ["core/signature.c"] = "reads keys",
  },
  ["openssl/ec.h"] = { ["core/signature.c"] = "puts r and s into one" },
  ["openssl/crypto.h"] = { ["core/crypto.c"] = "compares in constant time" },
  ["openssl/hmac.h"] = { ["core/crypto.c"] = "digests with a key" },
  ["openssl/rand.h"] = { ["core/crypto.c"] = "randomness" },
  ["openssl/bn.h"] = { ["core/public_key.c"] = "the numbers of a key" },
  ["openssl/core_names.h"] = { ["core/public_key.c"] = "what they are called" },
  ["openssl/param_build.h"] = { ["core/public_key.c"] = "makes a key of them" },
  ["jwt.h"] = { ["core/jwt.c"] = "the only file that knows libjwt" },
  ["argon2.h"] = { ["core/password.c"] = "the only file that knows libargon2" },
  ["openssl/ssl.h"] = {
    ["core/tls.c"] = "puts both in force",
    ["bench/tunnel.c"] = "wss://",
  },
  ["openssl/x509.h"] = { ["core/tls.c"] = "the certificate" },
  ["lauxlib.h"] = {
    ["bindings/vm.c"] = "the one door into Lua",
    ["bindings/watchdog.c"] = "raises in what it stops",
    ["bindings/msgpack_state.h"] = "a module that Lua calls",
    ["bindings/ctl_script.c"] = "has a state of its own, in a process without a server",
    ["bindings/ctl_terminal.c"] = "a function that Lua calls",
    ["bindings/json_count.c"] = "a module that Lua calls",
    ["bindings/luajit_next.c"] = "functions that Lua calls",
  },
  ["lua.h"] = {
    ["bindings/empty_list.h"] = "asks what a value is",
    ["bindings/memory.h"] = "is given the state whose memory it counts",
    ["bindings/watchdog.h"] = "is given the state that it watches",
    ["bindings/profile.h"] = "is given the state whose stack it looks at",
    ["bindings/ctl_terminal.h"] = "a function that Lua calls",
    ["bindings/vm.h"] = "prepares the state of moongate ctl, too",
  },
  ["luajit.h"] = {
    ["bindings/luajit_next.h"] = "of a state of LuaJIT",
    ["bindings/luajit_profiler.h"] = "makes compiled loops leave",
  },
  ["lualib.h"] = {
    ["bindings/vm.c"] = "opens the standard libraries",
    ["bindings/ctl_script.c"] = "the same, in a process without a server",
  },
  ["msgpack.h"] = { ["bindings/msgpack.c"] = "writes by the library's packer" },
  ["msgpack/unpack.h"] = { ["bindings/msgpack_read.c"] = "names what the template returns" },
  ["msgpack/unpack_define.h"] = { ["bindings/msgpack_read.c"] = "and its states" },
  ["msgpack/unpack_template.h"] = { ["bindings/msgpack_read.c"] = "reads by it" },
  ["sqlite3.h"] = { ["core/store_sqlite_state.h"] = "for the store_sqlite files, no others" },
  ["pthread.h"] = {
    ["core/io_state.h"] = "an I/O thread is one",
    ["core/thread.h"] = "begins them",
    ["core/worker.h"] = "so is a worker",
    ["bindings/c_stack.c"] = "where its stack begins",
  },
  ["stdatomic.h"] = {
    ["core/ring.c"] = "the one thread-safe thing",
    ["core/wake.c"] = "its wake-up",
    ["core/io_state.h"] = "a thread says that it has ended",
    ["core/lane.h"] = "and the logic thread hears it, of a worker, too",
    ["core/log.c"] = "counts the lines lost, in all threads",
    ["core/governor.c"] = "each thread reports what it holds, all read the sum",
    ["core/metrics.c"] = "a mirror is written by one thread and read by any",
    ["bindings/signals.c"] = "tells the logic thread, which may not hear it",
    ["bindings/watchdog.c"] = "a thread watches the logic thread",
    ["bindings/profile.c"] = "its signal handler hands on what it has seen",
  },
  ["dlfcn.h"] = {
    ["bindings/profile.c"] = "names the functions of libraries",
    ["bindings/c_stack.c"] = "tells compiled code from that of files",
  },
  ["unwind.h"] = { ["bindings/c_stack.c"] = "libraries have no frame pointers" },
  ["link.h"] = {
    ["bindings/profile.c"] = "how long those are",
  },
  ["elf.h"] = {
    ["bindings/symbols.c"] = "reads the table of a file",
  },
  ["ucontext.h"] = {
    ["bindings/c_stack.c"] = "reads the registers of what is interrupted",
  },
  ["editline/readline.h"] = {
    ["bindings/ctl_terminal.c"] = "edits a line",
  },
  ["math.h"] = { ["bench/report.c"] = "what is not known is NAN" },
  ["sched.h"] = {
    ["bench/bench.c"] = "stays on one CPU",
    ["core/io.c"] = "lets the logic thread answer before it writes",
  },
  ["sys/file.h"] = { ["core/socket_file.c"] = "who replaces a dead socket locks its folder" },
  ["sys/un.h"] = { ["core/socket_file.c"] = "its address is a path" },
  ["sys/random.h"] = { ["bench/crowd.c"] = "masks differ from run to run" },
  ["poll.h"] = {
    ["core/log.c"] = "an unread log must not stop a thread",
    ["core/admin.c"] = "whether who waits has hung up",
  },
  ["arpa/inet.h"] = { ["core/address.c"] = "text to bytes and back; no socket" },
  ["sys/epoll.h"] = {
    ["core/ws_read.c"] = "of all open connections, beside libuv's",
    ["bench/crowd.c"] = "all its connections are on one",
    ["bench/crowd_write.c"] = "what to wait for",
  },
  ["sys/eventfd.h"] = { ["core/wake.c"] = "is one" },
  ["sys/socket.h"] = {
    ["core/fetch_request.c"] = "opens a socket once it has seen the address",
    ["core/greet.c"] = "reads what a proxy says",
    ["core/listen.c"] = "opens the port",
    ["core/socket_file.c"] = "is one",
    ["core/ws.c"] = "sends past the library, asks the kernel after silence, lets a socket fail",
    ["core/ws_read.c"] = "reads past the library",
    ["bindings/ctl.c"] = "asks and hears",
    ["bench/stream.c"] = "is one",
    ["bench/target.h"] = "has an address",
  },
  ["netdb.h"] = {
    ["core/listen.c"] = "turns --host into an address",
    ["bench/target.c"] = "turns the URL's host into an address",
  },
  ["netinet/in.h"] = {
    ["core/fetch_request.c"] = "reads the address before it connects",
    ["core/listen.c"] = "reads the port it was given",
    ["core/ws.c"] = "reads TCP_INFO",
    ["bench/stream.c"] = "the address it connects from",
    ["bench/target.c"] = "whether the server is on this machine",
  },
  ["netinet/tcp.h"] = {
    ["core/listen.c"] = "sets the options of new sockets",
    ["core/ws.c"] = "reads TCP_INFO",
    ["bench/stream.c"] = "what is sent goes at once",
  },
  ["unistd.h"] = {
    ["core/config.c"] = "counts the CPUs",
    ["core/greet.c"] = "closes the socket of a proxy that says nothing",
    ["core/io_admit.c"] = "closes a socket there is no room for",
    ["core/listen.c"] = "closes sockets",
    ["core/log.c"] = "writes the line",
    ["core/socket_file.c"] = "removes the file",
    ["core/tls.c"] = "reads the files",
    ["core/wake.c"] = "reads and writes the eventfd",
    ["core/ws_read.c"] = "closes its epoll",
    ["bindings/check.c"] = "the folder that it is in may be the app",
    ["bindings/ctl.c"] = "closes its socket",
    ["bindings/signals.c"] = "ends without what exit() does",
    ["bench/crowd.c"] = "closes its epoll",
    ["bench/process.c"] = "asks for the size of a page and of a tick",
    ["bench/stream.c"] = "closes sockets",
    ["bindings/ctl_terminal.c"] = "whether a person sits there",
    ["bindings/profile.c"] = "the thread its timer interrupts",
  },
  ["time.h"] = {
    ["core/log.c"] = "each line has its time",
    ["core/certificate.c"] = "whether it is valid now",
    ["core/gate.c"] = "when the process has started",
  ["core/io_govern.c"] = "how long the certificate is valid",
    ["core/store.c"] = "when an entry expires",
    ["core/ws.c"] = "whether the certificate is valid now",
    ["core/tls.c"] = "when a certificate begins and ends",
    ["bindings/api.c"] = "moon_time_ms() and moon_clock_ms()",
    ["bindings/watchdog.c"] = "how long a run has gone on",
    ["bindings/main.c"] = "reads the time zone once",
    ["bench/clock.c"] = "is one",
    ["bindings/profile.c"] = "a timer",
    ["bindings/signals.c"] = "waits for signals until the grace is over",
  },
  ["getopt.h"] = {
    ["core/config.c"] = "reads the command line",
    ["bindings/ctl.c"] = "reads its own",
    ["bindings/testing.c"] = "reads its own",
    ["bench/options.c"] = "reads its own",
  },
  ["errno.h"] = {
    ["core/config.c"] = "strtol",
    ["core/greet.c"] = "whether to come again",
    ["core/listen.c"] = "why the port cannot be opened",
    ["core/socket_file.c"] = "whether a socket is dead",
    ["core/tls.c"] = "why a file cannot be read",
    ["core/wake.c"] = "an eventfd that is full",
    ["core/ws.c"] = "whether the kernel has no room",
    ["core/ws_read.c"] = "whether nothing is there",
    ["bindings/ctl.c"] = "whether there is no answer in time",
    ["bench/bench.c"] = "why the CPU cannot be had",
    ["bench/crowd.c"] = "why a connection cannot be opened",
    ["bench/options.c"] = "strtol",
    ["bench/stream.c"] = "whether nothing is there",
    ["bench/tunnel.c"] = "why a handshake has failed",
  },
  ["fcntl.h"] = {
    ["core/socket_file.c"] = "opens a folder to lock it",
    ["core/tls.c"] = "opens a file without waiting, should it be a pipe",
  },
  ["dirent.h"] = {
    ["bindings/watch.c"] = "finds the folders to watch",
    ["bench/process.c"] = "finds the threads of the server",
  },
  ["sys/stat.h"] = {
    ["bindings/api.c"] = "moon_is_file()",
    ["core/certificate.c"] = "whether a file is another one",
    ["core/socket_file.c"] = "the rights it is made with, and whether it is still the same",
    ["core/ws_file.c"] = "size and age of a file, for its ETag",
    ["core/config.c"] = "whether the static folder is there",
    ["bindings/watch.c"] = "folder or file",
  },
  ["signal.h"] = {
    ["bindings/luajit_profiler.c"] = "goes before LuaJIT's handler",
    ["core/thread.c"] = "begins threads that no signal reaches",
    ["bindings/watchdog.c"] = "interrupts the logic thread",
    ["bindings/main.c"] = "ignores those that come of writing",
    ["bindings/signals.c"] = "stop and reload",
    ["bench/bench.c"] = "ends early and still reports",
    ["bindings/profile.c"] = "its timer interrupts the logic thread",
  },
  ["sys/resource.h"] = {
    ["bindings/main.c"] = "the limit of descriptors",
    ["bench/bench.c"] = "the same",
    ["bench/process.c"] = "its own CPU time",
  },
}

-- headers of C itself, which know no outside world but for stdio.h (snprintf; mem.c's last words)
local PLAIN = {}
for name in ([[assert.h limits.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h
  strings.h]]):gmatch "%S+" do PLAIN[name] = true end

-- what pure modules may have beside those
local ALLOWED = {
  ["core/ring.c"] = "stdatomic.h", -- events and commands pass from thread to thread
  ["core/governor.c"] = "stdatomic.h", -- one budget for all threads
  ["core/metrics.c"] = "stdatomic.h", -- one page of metrics for all threads
  ["core/address.c"] = "arpa/inet.h", -- addresses as text
}

-- sources whose header has another name, headers without a source
local ONE_SIDED = {
  ["core/fetch_poll.c"] = "a part of fetch.c: fetch_state.h",
  ["core/fetch_request.c"] = "a part of fetch.c: fetch_state.h",
  ["core/fetch_response.c"] = "a part of fetch.c: fetch_state.h",
  ["core/fetch_state.h"] = "what the parts of fetch.c share",
  ["core/gate_command.c"] = "a part of gate.c: gate_state.h",
  ["core/gate_password.c"] = "a part of gate.c: gate_state.h",
  ["core/gate_store.c"] = "a part of gate.c: gate_state.h",
  ["core/gate_timer.c"] = "a part of gate.c: gate_state.h",
  ["core/store_sqlite_open.c"] = "a part of store_sqlite.c: store_sqlite_state.h",
  ["core/store_sqlite_state.h"] = "what the parts of store_sqlite.c share",
  ["core/outbox_books.c"] = "a part of outbox.c: outbox.h",
  ["core/gate_state.h"] = "what the parts of gate.c share",
  ["core/io_admit.c"] = "a part of io.c: io_state.h",
  ["core/io_deadline.c"] = "a part of io.c: io_state.h",
  ["core/io_govern.c"] = "a part of io.c: io_state.h",
  ["core/io_http.c"] = "a part of io.c: io_state.h",
  ["core/io_read.c"] = "a part of io.c: io_state.h",
  ["core/io_write.c"] = "a part of io.c: io_state.h",
  ["core/ws_file.c"] = "a part of ws.c: ws_state.h",
  ["core/ws_http.c"] = "a part of ws.c: ws_state.h",
  ["core/ws_read.c"] = "a part of ws.c: ws_state.h",
  ["core/ws_upgrade.c"] = "a part of ws.c: ws_state.h",
  ["core/ws_state.h"] = "what the parts of ws.c share",
  ["core/shared.h"] = "what all threads have in common",
  ["core/letter.h"] = "nouns only",
  ["core/io_state.h"] = "what the parts of io.c share",
  ["core/types.h"] = "nouns only",
  ["core/command.h"] = "nouns only",
  ["bindings/api_crypto.c"] = "a part of api.c: api.h",
  ["bindings/main.c"] = "the command itself",
  ["bindings/msgpack_read.c"] = "a part of msgpack.c: msgpack_state.h",
  ["bindings/msgpack_state.h"] = "what the parts of msgpack.c share",
  ["bench/crowd_read.c"] = "a part of crowd.c: crowd_state.h",
  ["bench/crowd_write.c"] = "a part of crowd.c: crowd_state.h",
  ["bench/crowd_state.h"] = "what the parts of crowd.c share",
  ["bindings/embedded.h"] = "its source is made by embed.cmake",
  ["bindings/empty_list.h"] = "two modules have it in common, each a library of its own in specs",
}

-- modules of bindings/moongate without a spec of the same name
local UNMIRRORED = {
  ffi = "spec/support/fake_core.lua takes its place; what it declares is in api_spec",
  ["test/core"] = "api_spec holds it against api.h, and all specs of bindings/ use it",
  ["test/verbs"] = "the same",
  ["test/computed"] = "the same; what it computes is in crypto_spec",
  ["test/runner"] = "is moongate test: spec/system/testing_spec.lua",
  ["test/live"] = "runs against a server: spec/system/testing_spec.lua",
  ["test/server"] = "is that server: spec/system/testing_spec.lua",
}

local function read(path)
  local file = assert(io.open(path, "r"), path)
  local text = file:read "*a"
  file:close()
  return text
end

local function list(pattern)
  local paths = {}
  local pipe = assert(io.popen("ls -1 " .. pattern))
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  assert.is_true(#paths > 0, pattern)
  return paths
end

local function exists(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

local function includes_of(path)
  local libraries, own = {}, {}
  for line in read(path):gmatch "[^\n]+" do
    local library = line:match "^%s*#%s*include%s*<([^>]+)>"
    local header = line:match '^%s*#%s*include%s*"([^"]+)"'
    if library then libraries[#libraries + 1] = library end
    if header then own[#own + 1] = header end
  end
  return libraries, own
end

--- The names of the pure modules of a room: what CMake builds into the specs' library.
---@param room string "core" or "bench"
local function pure_modules(room)
  local names = {}
  local set = room == "core" and "PURE" or room:upper() .. "_PURE"
  local sources = read("CMakeLists.txt"):match("set%(" .. set .. " ([^)]*)%)")
  for name in sources:gmatch(room .. "/([%w_]+)%.c") do names[name] = true end
  return names
end

local sources = list "core/*.c core/*.h bindings/*.c bindings/*.h bench/*.c bench/*.h"

describe("include rule", function()
  it("gives each library to the files that are named here", function()
    local strangers = {}
    for _, path in ipairs(sources) do
      for _, header in ipairs((includes_of(path))) do
        if not PLAIN[header] and not (RESERVED[header] or {})[path] then
          strangers[#strangers + 1] = path .. " includes " .. header
        end
      end
    end
    assert.same({}, strangers)
  end)

  it("names nobody who does not include", function()
    local idle = {}
    for header, users in pairs(RESERVED) do
      for path in pairs(users) do
        local text = exists(path) and read(path) or ""
        if not text:find("#include <" .. header .. ">", 1, true) then
          idle[#idle + 1] = path .. " does not include " .. header
        end
      end
    end
    assert.same({}, idle)
  end)

  it("keeps the pure modules from everything but each other", function()
    local strangers = {}
    local pure = pure_modules "core"
    pure.types, pure.command, pure.letter = true, true, true
    for name in pairs(pure) do
      for _, suffix in ipairs { ".c", ".h" } do
        local path = "core/" .. name .. suffix
        local libraries, own = includes_of(exists(path) and path or "core/types.h")
        for _, header in ipairs(libraries) do
          if not PLAIN[header] and ALLOWED[path] ~= header then
            strangers[#strangers + 1] = path .. " includes " .. header
          end
        end
        for _, header in ipairs(own) do
          if not pure[header:match "^(.*)%.h$"] then
            strangers[#strangers + 1] = path .. " includes " .. header
          end
        end
      end
    end
    assert.same({}, strangers)
  end)

  it("keeps the pure modules of the load generator from all but each other and memory", function()
    local strangers = {}
    local pure = pure_modules "bench"
    pure["../core/mem"] = true
    for name in pairs(pure_modules "bench") do
      for _, suffix in ipairs { ".c", ".h" } do
        local path = "bench/" .. name .. suffix
        local libraries, own = includes_of(path)
        for _, header in ipairs(libraries) do
          if not PLAIN[header] then strangers[#strangers + 1] = path .. " includes " .. header end
        end
        for _, header in ipairs(own) do
          if not pure[header:match "^(.*)%.h$"] then
            strangers[#strangers + 1] = path .. " includes " .. header
          end
        end
      end
    end
    assert.same({}, strangers)
  end)

  it("lets the load generator have nothing of the server but its memory", function()
    for _, path in ipairs(list "bench/*.c bench/*.h") do
      local _, own = includes_of(path)
      for _, header in ipairs(own) do
        local is_own = header == "../core/mem.h" or not header:find("/", 1, true)
        assert.is_true(is_own, path .. " includes " .. header)
      end
    end
  end)

  it("lets no arrow point from the core to the bindings", function()
    for _, path in ipairs(list "core/*.c core/*.h") do
      local _, own = includes_of(path)
      for _, header in ipairs(own) do
        assert.is_nil(header:find("/", 1, true), path .. " includes " .. header)
      end
    end
  end)

  it("lets plugins have the gate and nothing below it", function()
    for _, path in ipairs(list
      "scripts/*.lua scripts/*/*.lua examples/*.lua examples/plugins/*.lua") do
      for name in read(path):gmatch "require%s*%(?%s*[\"']([^\"']+)" do
        local is_below = name == "ffi" or name:find "^moongate" ~= nil
        assert.is_false(is_below, path .. " requires " .. name)
      end
    end
  end)
end)

describe("house", function()
  it("has a header for each source, and a source for each header", function()
    local alone = {}
    for _, path in ipairs(sources) do
      local other = path:gsub("%.c$", ".?"):gsub("%.h$", ".c"):gsub("%?$", "h")
      if not exists(other) and not ONE_SIDED[path] then alone[#alone + 1] = path end
    end
    assert.same({}, alone)
  end)

  it("has a spec for each pure module", function()
    local missing = {}
    for _, room in ipairs { "core", "bench" } do
      for name in pairs(pure_modules(room)) do
        local spec = ("spec/%s/%s_spec.lua"):format(room, name)
        if not exists(spec) then missing[#missing + 1] = spec end
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("has a spec for each Lua module and each plugin", function()
    local missing = {}
    for _, path in ipairs(list
      "bindings/moongate/*.lua bindings/moongate/test/*.lua scripts/*.lua scripts/*/*.lua") do
      local room, name = path:gsub("/moongate/", "/"):match "^(%w+)/(.*)%.lua$"
      local spec = ("spec/%s/%s_spec.lua"):format(room, name)
      if name ~= "init" and not UNMIRRORED[name] and not exists(spec) then
        missing[#missing + 1] = spec
      end
    end
    assert.same({}, missing)
  end)
end)
