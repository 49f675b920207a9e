"""Signed webhooks to programs: `endpoints` are where they go, `sending` is the job, `wire` signs and sends one."""
