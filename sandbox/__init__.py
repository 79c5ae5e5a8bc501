"""A pretend Slack and a pretend Sendblue: a demo without accounts and the tests' doubles, in one."""
