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
MUTANTS = (
    Mutant("fence", "job.fence ~= fence", "false"),
    Mutant("stored work", "local job, refused = owned(id, ARGV[2])", "local job, refused = load(id), 'fenced'"),
    Mutant("terminal", _NOT_SETTLED, ""),
    Mutant("cancel flag", "if job.cancel == '1' then", "if false then"),
    Mutant("entry", "not job or job.entry ~= entry_id", "not job"),
    Mutant("attempts", "tonumber(job.attempt) >= tonumber(job.max_attempts)", "false"),
    Mutant("paused", "redis.call('HEXISTS', K.paused, ARGV[6]) == 1", "false"),
    Mutant("probation", "(may_take_suspect or not suspect(job))", "true"),
    Mutant("counts", "  moved(job, state)\n", ""),
    Mutant("usage", "redis.call('HSETNX', K.artifact .. id, 'spent:' .. ARGV[6], '1') == 1", "true"),
    Mutant("left fence", "redis.call('HSET', K.job .. id, 'fence', job.fence)\n", ""),
)
"""By what they leave out."""
