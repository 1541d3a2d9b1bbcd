"""Scripts without one of their guards: the machine has to notice each."""

from dataclasses import dataclass

from shared.redis.lua_source import source


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of the scripts' text, wherever they have it."""

    name: str
    guard: str
    instead: str

    def source(self, command: str) -> str:
        return source(command).replace(self.guard, self.instead)

    def touches(self, command: str) -> bool:
        return self.guard in source(command)


_NOT_SETTLED = """\
  if job.settled_fence == fence then
    return nil, 'repeated'
  end
  if job.state ~= 'running' then
    return nil, 'fenced'
  end
"""
_OF_THE_PLANNER = """\
local INLINE_BYTES = 16384
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
local event_id = fence .. '-' .. seq
spend(id, job, usage)
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, event_id)
  write_tallies()
  return 'cancelled'
end

local waits"""
_OWNED = """\
local job, refused = owned(id, fence)
if not job then
  return refused
end
"""
_OF_STORED_WORK = _OWNED + "redis.call('HSET', K.artifact .. id, field, value)\n"
_OF_CHECKPOINTS = _OWNED + "local parts = {heads = K.heads, blobs = K.blobs, writes = K.writes}\n"
_TAKEN_OUT = """\
local waits = job.review == 'wanted'
leave(id, job)
"""
MUTANTS = (
    Mutant("fence", "job.fence ~= fence", "false"),
    Mutant("stored work", _OF_STORED_WORK, _OF_STORED_WORK.replace("owned(id, fence)", "load(id), 'fenced'")),
    Mutant("checkpoints", _OF_CHECKPOINTS, _OF_CHECKPOINTS.replace("owned(id, fence)", "load(id), 'fenced'")),
    Mutant("terminal", _NOT_SETTLED, ""),
    Mutant("cancel flag", "if job.cancel == '1' then", "if false then"),
    Mutant("entry", "not job or job.entry ~= entry_id", "not job"),
    Mutant("attempts", "tonumber(job.attempt) >= tonumber(job.max_attempts)", "false"),
    Mutant("paused", "redis.call('HEXISTS', K.paused, kind) == 1", "false"),
    Mutant("probation", "(may_take_suspect or not suspect(job))", "true"),
    Mutant("counts", "  moved(job, state)\n", ""),
    Mutant("usage", "redis.call('HSETNX', K.artifact .. id, 'spent:' .. write, '1') == 1", "true"),
    Mutant("planner's fence", _OF_THE_PLANNER, _OF_THE_PLANNER.replace("owned(id, fence)", "load(id), 'fenced'")),
    Mutant("planner's entry", _TAKEN_OUT, _TAKEN_OUT.replace("leave(id, job)\n", "")),
    Mutant("approval", "if job.state ~= 'awaiting_review' then", "if false then"),
    Mutant("compare and set", "if latest ~= base then", "if false then"),
    Mutant("phase", "job.phase == kind and ", ""),
    Mutant("left fence", "redis.call('HSET', K.job .. id, 'fence', job.fence)\n", ""),
)
"""By what they leave out."""
