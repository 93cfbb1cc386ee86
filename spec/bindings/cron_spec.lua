local fake_core = require "spec.support.fake_core"

describe("cron", function()
  local cron = fake_core.world().cron

  local function at(text) -- "2026-02-03 04:05:06" as milliseconds
    local year, month, day, hour, minute, second = text:match "(%d+)-(%d+)-(%d+) (%d+):(%d+):?(%d*)"
    local days = 0
    for y = 1970, year - 1 do
      days = days + ((y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0)) and 366 or 365)
    end
    local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
    local lengths = { 31, is_leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    for m = 1, month - 1 do days = days + lengths[m] end
    days = days + day - 1
    return (((days * 24 + hour) * 60 + minute) * 60 + (tonumber(second) or 0)) * 1000
  end

  local function next_after(text, now)
    local ms = cron.next_ms(assert(cron.parse(text)), at(now))
    return os.date("!%Y-%m-%d %H:%M", ms / 1000)
  end

  local CASES = {
    { "* * * * *", "2026-11-25 01:02:03", "2026-11-25 01:03" },
    { "* * * * *", "2026-11-25 01:02", "2026-11-25 01:03" }, -- after, not at
    { "*/15 * * * *", "2026-11-25 01:46", "2026-11-25 02:00" },
    { "5/20 * * * *", "2026-11-25 01:26", "2026-11-25 01:45" },
    { "30 9 * * 1-5", "2026-11-27 10:00", "2026-11-30 09:30" }, -- Friday to Monday
    { "0 0 * * 7", "2026-11-25 00:00", "2026-11-29 00:00" },
    { "0 0 * * 0", "2026-11-25 00:00", "2026-11-29 00:00" },
    { "0 12 1 * *", "2026-11-25 00:00", "2026-12-01 12:00" },
    { "0 0 29 2 *", "2026-11-25 00:00", "2028-02-29 00:00" },
    { "59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59" },
    { "0 0 13 * 5", "2026-11-25 00:00", "2026-11-27 00:00" }, -- either will do
    { "0 8,20 * * *", "2026-11-25 08:00", "2026-11-25 20:00" },
    { "10-12,40 3 * * *", "2026-11-25 03:12", "2026-11-25 03:40" },
  }
  for _, case in ipairs(CASES) do
    it(("says that after %s comes %s of %s"):format(case[2], case[3], case[1]), function()
      assert.equal(case[3], next_after(case[1], case[2]))
    end)
  end

  local BAD = {
    ["* * * *"] = 'expected five fields, minute hour day month weekday, got "* * * *"',
    [""] = 'expected five fields, minute hour day month weekday, got ""',
    ["60 * * * *"] = 'minute: expected *, a number from 0 to 59, a range or a list, got "60"',
    ["* 24 * * *"] = 'hour: expected *, a number from 0 to 23, a range or a list, got "24"',
    ["* * 0 * *"] =
      'day of the month: expected *, a number from 1 to 31, a range or a list, got "0"',
    ["* * * 13 *"] = 'month: expected *, a number from 1 to 12, a range or a list, got "13"',
    ["* * * * 8"] = 'day of the week: expected *, a number from 0 to 7, a range or a list, got "8"',
    ["5-1 * * * *"] = 'minute: expected *, a number from 0 to 59, a range or a list, got "5-1"',
    ["*/0 * * * *"] = 'minute: expected *, a number from 0 to 59, a range or a list, got "*/0"',
    ["1,,2 * * * *"] = 'minute: expected *, a number from 0 to 59, a range or a list, got "1,,2"',
    ["x * * * *"] = 'minute: expected *, a number from 0 to 59, a range or a list, got "x"',
    ["0 0 30 2 *"] = '"0 0 30 2 *": there is no such day',
  }
  for text, problem in pairs(BAD) do
    it(("refuses \"%s\""):format(text), function()
      assert.same({ nil, problem }, { cron.parse(text) })
    end)
  end
end)
