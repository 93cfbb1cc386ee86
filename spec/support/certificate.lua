--- Certificates for specs, made by the openssl command in a few milliseconds each.

-- A sanitizer is preloaded for this process; the commands are not what it is to judge.
require("posix.stdlib").setenv("LD_PRELOAD", nil)

local files = require "spec.support.file"
local CONFIG = [[
[ca]
default_ca = house
[house]
database = %s/index
new_certs_dir = %s
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = asked
[asked]
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
[authority]
basicConstraints = critical, CA:TRUE
]]

local KEYS = {
  ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256",
  rsa = "-newkey rsa:2048",
  weak = "-newkey rsa:1024",
}

local DAY_S = 86400

local read, write = files.read, files.write

--- Runs a line of shell; fails with what it has printed.
---@return string out
local function run(line)
  local pipe = io.popen("( " .. line .. " ) 2>&1; echo $?")
  local out, status = pipe:read("*a"):match "^(.-)(%d+)\n$"
  pipe:close()
  assert(status == "0", line .. "\n" .. out)
  return out
end

local function time(time_s) return os.date("!%Y%m%d%H%M%SZ", time_s) end

--- Makes folder/name.pem, with the chain of its authority if there is one, and
--- folder/name.key.pem; what was there is replaced.
---@param options { folder: string, name: string,
---  days?: integer, when it ends, counted from now: 30; negative for one that has expired
---  from_days?: integer, when it begins: one day before now, or before the end
---  not_before_s?: integer, the same in seconds since 1970
---  not_after_s?: integer,
---  key?: "ec"|"rsa"|"weak", "ec"
---  password?: string, for the key
---  is_authority?: boolean, it may sign others
---  by?: { cert: string, key: string } the authority: itself }
---@return string cert_path
---@return string key_path
local function make(options)
  local cert = ("%s/%s.pem"):format(options.folder, options.name)
  local key = ("%s/%s.key.pem"):format(options.folder, options.name)
  local days = options.days or 30
  local from_days = options.from_days or math.min(0, days) - 1
  local not_before_s = options.not_before_s or os.time() + from_days * DAY_S
  local not_after_s = options.not_after_s or os.time() + days * DAY_S
  local work = run("mktemp -d"):match "%S+"
  write(work .. "/config", CONFIG:format(work, work))
  write(work .. "/index", "")
  local lock = options.password and "-passout pass:" .. options.password or "-nodes"
  run(("openssl req -new -config %s/config %s %s -keyout '%s' -out %s/request -subj '/CN=%s'")
    :format(work, KEYS[options.key or "ec"], lock, key, work, options.name))
  local by = options.by
  local signer = by and ("-cert '%s' -keyfile '%s'"):format(by.cert, by.key)
    or ("-selfsign -keyfile '%s'"):format(key)
  if options.password then signer = signer .. " -passin pass:" .. options.password end
  run(("openssl ca -batch -notext -config %s/config -extensions %s %s -in %s/request -out %s/cert"
    .. " -startdate %s -enddate %s"):format(work, options.is_authority and "authority" or "server",
    signer, work, work, time(not_before_s), time(not_after_s)))
  write(cert, read(work .. "/cert") .. (by and read(by.cert) or ""))
  run("rm -r " .. work)
  return cert, key
end

--- SHA-256 of the (first) certificate in the file, in hexadecimal.
local function fingerprint(cert)
  local out = run(("openssl x509 -in '%s' -noout -fingerprint -sha256"):format(cert))
  return (out:match("=([%x:]+)"):gsub(":", ""):lower())
end

return { make = make, fingerprint = fingerprint, read = read, write = write, run = run }
