---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Admission what is not given stays as it is
---@field origins? string[] beside the server's own; { "*" } for all
---@field deny? string[] networks: { "192.0.2.0/24", "2001:db8::/32" }
---@field max_connections? integer of the whole process, as the other numbers
---@field max_connections_per_address? integer
---@field handshakes_per_second? integer
---@field retry_after_s? integer what those are told who are refused for a while
---@field refuse? string|false why all newcomers get 503, at most 200 bytes; false: no longer

---@class moongate.Books messages; in each class sent = delivered + dropped + queued
---@field sent moongate.Counts
---@field delivered moongate.Counts what the kernel has accepted
---@field dropped moongate.Counts shed, replaced by a newer one, or left when the socket went
---@field queued moongate.Counts
---@field queued_bytes integer of all classes

---@class moongate.Codec
---@field name "json"|"msgpack"
---@field protocol string the subprotocol whose connections speak it
---@field is_binary boolean whether its messages are binary ones
---@field encode fun(value: any): string?, string?, string? the bytes; or nil, a reason and, when
--- it is no mistake of the script, a code: "too_big", "bad_utf8"
---@field decode fun(bytes: string): any, string? the value, null for what JSON calls so; or nil
--- and a reason

---@class moongate.Counts
---@field reliable integer
---@field latest integer
---@field volatile integer
---@field control integer

---@alias moongate.Declare
---| fun(self: moongate.Gate, name: string, spec?: moongate.MetricSpec): moongate.Metric

---@class moongate.Facts
---@field version string
---@field max_message_bytes integer of a message that a client sends
---@field ping_interval_ms integer
---@field auth_timeout_ms integer on routes with `auth`, for conn:admit
---@field has_store boolean the server runs with --store

---@alias moongate.FetchCode "timeout"|"refused_address"|"connect"|"dns"|"tls"|"too_big"
---|"redirects"|"full"|"bad_url"|"protocol"

---@class moongate.FetchOptions
---@field method? "GET"|"HEAD"|"POST"|"PUT"|"PATCH"|"DELETE"|"OPTIONS" GET, or POST with a body
---@field headers? table<string, string|number>
---@field body? string sent as text/plain unless a header says otherwise
---@field json? table|string|number|boolean sent as JSON, instead of a body
---@field timeout_ms? integer for all of it: 10000, at most 120000
---@field max_bytes? integer of the response's body, decompressed: 1048576, at most 4194304
---@field redirects? integer that are followed: 5 at most; with 0 they are responses as others

---@class moongate.Figures: moongate.Books the books of the write queue, and:
---@field rtt_ms? number the last round trip of a ping; nil before the first pong

---@class moongate.How
---@field binary? boolean a string goes as a binary message
---@field class? "reliable"|"latest"|"volatile"|"control" what becomes of it when the client
--- does not read fast enough; "reliable"
---@field key? string|number of "latest": which message that waits it replaces

---@class moongate.HowToAll: moongate.How not of class "control"
---@field except? moongate.Conn a member who does not get it

---@class moongate.Json
---@field encode fun(value: any): string?, string?, string? the text; or nil, a reason and, when it
--- is no mistake of the script, "too_big"
---@field decode fun(text: string): any, string? the value; or nil and a reason
---@field null userdata what JSON calls so; it is true where Lua asks
---@field empty_list userdata is written as an array of none, where an empty table is an object; it
--- is no table: nothing can be looked up in it
---@field list fun(list: table): table|userdata the list, or empty_list in place of an empty one

---@class moongate.JwtOptions
---@field issuer? string what the claim "iss" has to be
---@field audience? string what the claim "aud" has to be, or have among others
---@field skew_ms? integer how far the clocks may be apart: 60000

---@class moongate.Key
---@field kid? string tokens that name another one are not tried with this key
---@field algorithm "HS256"|"HS384"|"HS512"|"RS256"|"RS384"|"RS512"|"ES256"|"ES384"|"ES512" the only
--- one that this key is good for, whatever a token says
---@field secret? string for HS: the bytes, best as many as the digest has, 32 for HS256
---@field pem? string for RS and ES: the public key, "-----BEGIN PUBLIC KEY-----"

---@class moongate.Limits numbers have the maxima of the command line
---@field outbox_bytes? integer waiting to be written
---@field outbox_messages? integer the same in messages
---@field outbox_age_ms? integer of the oldest message that waits
---@field messages_per_second? integer that the client may send
---@field burst_messages? integer and at once, after a silence
---@field bytes_per_second? integer
---@field burst_bytes? integer
---@field on_flood? "pause"|"refuse"|"close" what happens to a client that sends more

---@alias moongate.Log fun(self: moongate.Gate, format: string, ...: any)

---@alias moongate.Method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"

---@class moongate.MetricSpec
---@field about? string one line for people, at most 1,024 bytes
---@field labels? string[] names
---@field buckets? number[] of a histogram: at most 64 upper bounds, ascending and finite

---@class moongate.Msgpack
---@field encode fun(value: any): string?, string?, string? as of gate.json; "too_big" or "bad_utf8"
---@field decode fun(bytes: string): any, string?
---@field null userdata the same null
---@field empty_list userdata the same empty list

---@class moongate.OptionSpec
---@field default? any without one, init.lua has to set it
---@field type? "string"|"number"|"integer"|"boolean"|"table" that of the default
---@field min? number of a number; the length of a string or a list
---@field max? number
---@field enum? any[] one of these
---@field pattern? string a Lua pattern that the whole string matches
---@field about? string one line for people

---@class moongate.RawHandlers
---@field opened? fun(conn: moongate.Conn)
---@field received? fun(conn: moongate.Conn, bytes: string, binary: boolean)
---@field refused? fun(conn: moongate.Conn, bytes: string, binary: boolean, retry_after_ms: integer)
--- a message over the rate, where conn:limit says on_flood = "refuse"
---@field slow? fun(conn: moongate.Conn, books: moongate.Books) its queue passed the high mark
---@field drained? fun(conn: moongate.Conn, books: moongate.Books) and fell below the low one
---@field closed? fun(conn: moongate.Conn, reason: string, code: integer, books: moongate.Books)
---@field protocols? string[] subprotocols spoken here; none: clients must not offer any
---@field auth? boolean connections have to be admitted in time: conn:admit
---@field token? boolean the handshake has to bring a token, else it gets 401

---@class moongate.RoomKind
---@field opened? fun(room: moongate.Room, options: table)
---@field may_join? fun(room: moongate.Room, conn: moongate.Conn): any, string?, string?,
--- boolean?, number? refuses as a filter does
---@field joined? fun(room: moongate.Room, conn: moongate.Conn)
---@field left? fun(room: moongate.Room, conn: moongate.Conn, reason: string) "left", or why its
--- connection has ended: with "shutdown" it may come back after a restart
---@field said? fun(room: moongate.Room, conn: moongate.Conn, data: any): any, string?, string?,
--- boolean?, number? what a member says; returns the reply as the handler of a request does
---@field tick? fun(room: moongate.Room, passed_ms: number) since the last one, or since it opened
---@field closed? fun(room: moongate.Room, reason: string) "empty", "unloaded", or what room:close
--- was given
---@field durable? boolean room.state is kept in the plugin's store, a second after a hook has
--- changed it (of what others change, some hundred rooms are looked at each second), until the room
--- closes; it is there again after a restart, and when a kind that was "unloaded" comes back
---@field restored? fun(room: moongate.Room) in place of `opened`, when it is there again
---@field migrations? table<integer, fun(state: table)> version, from 1 -> step that brings
--- room.state from the version before to this one, as gate:migrate does; a room opens with the
--- newest
---@field tick_hz? number ticks a second, at most 60
---@field max_members? integer connections
---@field empty_ms? integer a room of nobody closes after so long; 60000

---@alias moongate.StoreReason "bad_key"|"too_big"|"full"|"store_failed"|"changed"

---@class moongate.Words: string[] what follows the command, cut at blanks
---@field text string the same, uncut
