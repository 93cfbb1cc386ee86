---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Gate
---@field state table this plugin's data; survives reloads and is the same table always
---@field counter moongate.Declare printed at /metrics as plugin_<plugin>_<name>; when the next
--- generation declares it again it goes on
---@field gauge moongate.Declare
---@field histogram moongate.Declare
---@field error moongate.Log one line in the log, with the plugin's name and generation
---@field warn moongate.Log
---@field info moongate.Log
---@field debug moongate.Log
---@field store moongate.Store this plugin's entries in the file of --store
---@field crypto moongate.Crypto digests, random tokens, signatures of tokens, passwords
---@field json moongate.Json
---@field msgpack moongate.Msgpack
---@field facts moongate.Facts
local gate = {}

--- Handles one type of request. Runs as a task: it may sleep. Requests of one connection are
--- handled one after the other.
---@param type_name string 1 to 64 bytes of UTF-8, without control characters
---@param fn fun(conn: moongate.Conn, message: table): table|true|nil, string?, string?, boolean?,
--- number? returns the reply's data, or nil, an error code, a text for people, whether the same
--- request may succeed later, and in how many milliseconds
function gate:on(type_name, fn) end

--- Handles what is said as "/name ...": a "say" whose data, or its field `text`, begins so. It
--- gets past all filters of "say" first. "/help" lists the commands; "//" is a slash that is meant.
---@param name string
---@param fn fun(conn: moongate.Conn, words: moongate.Words, message: table): any, string?, string?,
--- boolean?, number? returns the reply as a handler does
---@param about? string one line for /help, at most 200 bytes
function gate:command(name, fn, about) end

--- Whether "/name" is a command of a plugin, or "/help".
---@param name string in lower case
---@return boolean
function gate:has_command(name) end

--- Looks at requests before their handler does; may change the message.
---@param type_name string "*" for all types
---@param fn fun(conn: moongate.Conn, message: table): any, string?, string?, boolean?, number?
--- refuses by returning nil, code (and text, temporary, retry_after_ms) as a handler does
function gate:before(type_name, fn) end

--- Takes the WebSocket connections of a path: bytes in, bytes out. The handlers do not run as
--- tasks: they may not sleep, but may gate:spawn.
---@param pattern string "/relay/{room}": a name in braces matches one segment
---@param handlers moongate.RawHandlers
function gate:raw(pattern, handlers) end

--- Answers the HTTP requests of a path. Runs as a task of its own: it may sleep, but the core
--- answers 504 when it takes too long.
---@param method moongate.Method "GET" is asked for HEAD, too
---@param pattern string as for gate:raw
---@param fn fun(request: moongate.Request): string|table|nil, integer?, table<string, string>?
--- returns the body (a string goes as text, a table as JSON), the status (200, or 204 without a
--- body), and headers
function gate:http(method, pattern, fn) end

--- This plugin works on top of others: their filters and hooks come before its own, and
--- without them it does not load.
---@param ... string names of plugins
function gate:needs(...) end

--- Declares an option of this plugin and returns its value: what its entry in init.lua sets,
--- or the default. What is set there and not declared is an error.
---@param name string 1 to 64 bytes of UTF-8, without control characters
---@param spec any the default, or a moongate.OptionSpec
---@return any value
function gate:option(name, spec) end

--- A step that brings gate.state from the version before to this one. It runs once, when code
--- with the step comes into force; a plugin that is new begins with its newest version. When
--- it raises, or leaves what is no data, nothing has happened and the old code goes on.
---@param version integer from 1, ascending
---@param fn fun(state: table) changes it in place
function gate:migrate(version, fn) end

--- Offers an API to other plugins.
---@param version string "1.4": they ask for 1.0 to 1.4; what breaks callers counts the 1 up
---@param api table
function gate:provide(version, api) end

--- The API of another plugin, which is loaded before; this one is loaded again whenever that
--- one is, so that what it holds is never stale.
---@param name string of the plugin
---@param version string the least one that will do: "1.2"
---@return table api
function gate:use(name, version) end

--- Declares a kind of room that this plugin decides about.
---@param name string 1 to 64 bytes of UTF-8, without control characters
---@param spec moongate.RoomKind
function gate:room_kind(name, spec) end

--- Opens a room of a kind. It stays open while somebody is in, and for empty_ms after that. Of a
--- durable kind, in the first moments of the process it waits, in a task, until those that were
--- saved are open.
---@param kind_name string
---@param name string of the room
---@param options? table for the kind's `opened`
---@return moongate.Room?
---@return "unknown_kind"|"exists"|"not_restored"? reason "not_restored": the store has not been
--- read yet, or has a room of this name that this code could not open; the log says why
function gate:open_room(kind_name, name, options) end

--- All open rooms of a kind, in no order: for room in gate:rooms_of "match".
---@param kind_name string
---@return fun(): moongate.Room?
function gate:rooms_of(kind_name) end

--- Runs a request as if the client had sent it; for plugins that bring their own encoding.
---@param from moongate.Conn
---@param message table with a string in message.type
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?,
--- retry_after_ms: integer?, context: any) called once, perhaps later; data is nil when refused.
--- If it raises (the reply cannot be encoded), it is called again with "internal"
---@param bytes? integer the message's size, for the limit on what waits behind a sleeping
--- handler; 1024
---@param context? any what answer() gets as its last: it saves a closure for each request
function gate:request(from, message, answer, bytes, context) end

--- Changes who may come in; stays in force until it is changed again, also across reloads.
---@param given moongate.Admission
---@return true? accepted called while the plugin loads, it is carried out when the plugin
--- takes over, and a failure is logged
---@return "invalid"|"too_big"|"full"? reason "invalid": a network that is none
function gate:admission(given) end

--- Whether a string is text. What comes as JSON always is; a client that speaks MessagePack may
--- send bytes, which members who speak JSON cannot be told.
---@param text string
---@return boolean
function gate:is_utf8(text) end

--- Asks another server by HTTP, and waits for its response, whatever its status. Only in a task;
--- when the task is cancelled, the request is given up.
---@param url string
---@param options? moongate.FetchOptions
---@return moongate.Response? response
---@return moongate.FetchCode? code
---@return string? text what the code means this time
function gate:fetch(url, options) end

--- Is told of what happened: "opened" (conn), "admitted" (conn) when conn:admit has given it a name
--- and who called that has ended or waits, "slow" and "drained" (conn, books), "closed" (conn,
--- reason, code, books) once per connection, a request that was granted (conn, message, reply
--- data), or what another plugin tells: see gate:tell.
---@param event string
---@param fn function
function gate:after(event, fn) end

--- Declares events that this plugin will tell others of.
---@param ... string names of their own: of no request, and told by no other plugin
function gate:tells(...) end

--- Tells all who asked by gate:after, one after the other, needed plugins first; returns when they
--- have heard. One that fails does not keep it from the others; one that waits, as it may when a
--- task tells, holds them up, and who tells.
---@param event string declared by gate:tells
---@param ... any what they get; from a guarded plugin, and to one, a copy, and so data
function gate:tell(event, ...) end

--- The room of this name. Plugins share the names: raw plugins prefix theirs with something
--- of their own.
---@param name string
---@return moongate.Room
function gate:room(name) end

--- All rooms that have members, in no order: for name, room in gate:rooms(). The loop may wait;
--- rooms that are new then are not in it.
---@return fun(): string?, moongate.Room?
function gate:rooms() end

--- The user of this name.
---@param name string
---@return moongate.User?
---@return "gone"? reason no connection has been admitted under this name, or all have closed
function gate:user(name) end

--- All users with a connection, in no order: for name, user in gate:users(). The loop may wait, as
--- that of gate:rooms.
---@return fun(): string?, moongate.User?
function gate:users() end

--- All connections whose closed hooks have not run, in no order: for id, conn in gate:conns(). The
--- loop may wait, as that of gate:rooms.
---@return fun(): integer?, moongate.Conn?
function gate:conns() end

--- Calls fn every interval_ms as a task, until the plugin is replaced; leaves a turn out while
--- the one before still runs, also one of the code before. When the plugin is loaded again, a
--- timer of the same name goes on with the time that was left.
---@param interval_ms integer
---@param fn fun()
---@param name? string by default its place among the plugin's timers
function gate:every(interval_ms, fn, name) end

--- Calls fn at the times that a crontab's five fields say, in UTC, as a task.
---@param when string "30 9 * * 1-5": minute, hour, day of the month, month, day of the week
---@param fn fun()
---@param name? string by default its times, and its place among those with the same
function gate:cron(when, fn, name) end

--- Calls fn once, delay_ms from now, as a task. Called while the plugin loads it is a timer as
--- gate:every is; called later it runs even if the plugin is replaced meanwhile, on the code
--- that has asked for it. Code that was replaced 10 s ago asks in vain.
---@param delay_ms integer
---@param fn fun()
---@param name? string while the plugin loads
function gate:after_ms(delay_ms, fn, name) end

--- Runs fn(...) as a task of its own, at once until it first waits; called while the plugin
--- loads, it begins when the plugin takes over.
---@param fn function
function gate:spawn(fn, ...) end

--- Waits. Only in a task: request and HTTP handlers, gate:every, gate:after_ms, gate:spawn.
---@param delay_ms integer
function gate:sleep(delay_ms) end

--- The running task is cancelled, with an error where it waits, when it has not ended by then.
--- Requests have 30 s unless they say otherwise. Every later wait of a task that is cancelled
--- raises, too; one that waits more than 16 times all the same is given up: it never runs again.
---@param delay_ms integer from now
function gate:deadline(delay_ms) end

--- Runs the functions side by side, each as a task, and waits for all. When one raises, the
--- others are cancelled and gather raises that error.
---@param ... fun(): any
---@return any ... what the first returned, what the second returned, ...
function gate:gather(...) end

--- Has one task do what several ask for: who gives the same key while fn runs waits for what
--- that one returns. It belongs to none of them: when one is cancelled, the others get it still.
---@param key string of this plugin
---@param fn fun(): any returns at most four values
---@return any ... what fn returned; nil and "internal" when it raised, which is logged once; nil
--- and "timeout" when it was cancelled
function gate:share(key, fn) end

--- Milliseconds since 1970 UTC.
---@return integer
function gate:now_ms() end
