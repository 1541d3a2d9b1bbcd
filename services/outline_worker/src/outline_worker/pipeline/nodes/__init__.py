"""The steps of the pipeline: functions of state and context."""
